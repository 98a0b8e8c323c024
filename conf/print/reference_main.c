/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the reference of every setting: part of making holdfast.conf.5 from
 * conf/holdfast.conf.5.in. Not installed.
 */
#include <stdio.h>

#include "base/buf.h"
#include "conf/conf.h"

int main(void)
{
	struct buf out = {0};

	conf_reference(&out);
	fwrite(buf_str(&out).p, 1, buf_length(&out), stdout);
	buf_release(&out);
	buf_free_all();
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
