#include "cmd.h"
#include "exits.h"
int
cmd_usage(const struct options *o, const struct retention_conf *conf,
    int argc, char **argv)
{
	(void)o; (void)conf; (void)argc; (void)argv;
	return BS_USAGE;
}
