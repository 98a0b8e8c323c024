/* SPDX-License-Identifier: BSD-2-Clause */
/* `holdfast top`: what the server does, live, in a terminal. */
#ifndef MASTER_CLIENT_TOP_H
#define MASTER_CLIENT_TOP_H

/* Shows the server that answers at `control` until a key ends it. The exit
 * status. */
int top_run(const char *control, const char *file);

#endif
