/* SPDX-License-Identifier: BSD-2-Clause */
/* How many bytes of a file a connection sends in a tick: a few send large
 * pieces; a crowd does not make the tick long for all the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/loop.h"
#include "worker/net/net.h"

enum { KIB = 1024 };

static struct net net;

static int setup(void **state)
{
	static struct loop loop;
	static struct slot slot;

	(void)state;
	net_init(&net, &loop, NULL, &slot, NULL);
	return 0;
}

/* Bytes of a tick in which `n` connections send as much as they may. */
static size_t tick(size_t n, size_t *least_out)
{
	size_t sum = 0;

	*least_out = SIZE_MAX;
	for (size_t i = 0; i < n; i++) {
		size_t share = net_file_share(&net);

		sum += share;
		if (share < *least_out)
			*least_out = share;
	}
	net_recount_files(&net);
	return sum;
}

static void few_send_large_pieces(void **state)
{
	size_t min;

	(void)state;
	for (size_t n = 1; n <= 32; n++) {
		assert_int_equal(tick(n, &min), n * 256 * KIB);
		assert_int_equal(min, 256 * KIB);
	}
}

static void a_crowd_shares(void **state)
{
	size_t min;

	(void)state;
	/* All at once: some get large pieces, and nobody none. */
	assert_in_range(tick(1000, &min), 0, (8192 + 1000 * 64) * KIB);
	assert_int_equal(min, 64 * KIB);
	/* From then on all get the same. */
	assert_int_equal(tick(1000, &min), 1000 * 64 * KIB);
	tick(64, &min);
	assert_int_equal(tick(64, &min), 8192 * KIB);
	assert_int_equal(min, 128 * KIB);
	/* Who is left has it all. */
	tick(1, &min);
	assert_int_equal(tick(1, &min), 256 * KIB);
}

static void a_tick_without_files_changes_nothing(void **state)
{
	size_t min;

	(void)state;
	tick(64, &min);
	net_recount_files(&net);
	net_recount_files(&net);
	assert_int_equal(tick(64, &min), 8192 * KIB);
	assert_int_equal(min, 128 * KIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(few_send_large_pieces, setup),
		cmocka_unit_test_setup(a_crowd_shares, setup),
		cmocka_unit_test_setup(a_tick_without_files_changes_nothing, setup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
