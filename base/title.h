/* SPDX-License-Identifier: BSD-2-Clause */
/* The process's title, as ps(1) and top(1) show it. Any process. */
#ifndef BASE_TITLE_H
#define BASE_TITLE_H

/* First in main(): the place where the kernel finds the arguments is used for
 * the title. Returns a copy of the arguments to use instead; the environment
 * is moved, too. */
char **title_init(int argc, char **argv);

/* "holdfast: worker 3 (generation 2)"; cut to the room there is. */
void title_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Frees the copies of arguments and environment: last before exit. */
void title_fini(void);

#endif
