/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/load.h"

#include <stdio.h>

struct conf *load_aloud(const char *file, struct buf *said_out)
{
	struct conf_errors errors = {0};
	struct conf *conf = conf_load(file, &errors);

	*said_out = (struct buf){0};
	if (conf == NULL) {
		conf_errors_print(&errors, said_out);
		buf_printf(said_out, "%s: %zu error%s\n", file, errors.n,
			   errors.n == 1 ? "" : "s");
		fwrite(buf_str(said_out).p, 1, buf_length(said_out), stderr);
	}
	conf_errors_fini(&errors);
	return conf;
}
