/* version.h: what every program's --version prints.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_VERSION_H
#define BACKSHELF_VERSION_H

#define BACKSHELF_VERSION	"backshelf 1.0"

#endif
