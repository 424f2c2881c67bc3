/* aoectl.h: what aoectl shows of aoed's answers.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_AOECTL_H
#define AOE_AOECTL_H

#include <jansson.h>

/* Each prints one kind of answer as text on stdout; reasons of failures go to
 * stderr. */
void	show_status(const json_t *);
void	show_stats(const json_t *);
void	show_results(const json_t *);
void	show_errors(const json_t *);

#endif
