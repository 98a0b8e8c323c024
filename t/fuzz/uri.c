/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a path, a text to encode and decode, and a host.
 */
#include "base/codec/uri.h"

#include "t/fuzz/must.h"

static bool contains(struct str s, struct str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (memcmp(s.p + i, part.p, part.n) == 0)
			return true;
	return false;
}

/* Encoded and normalised again, a normal path is itself. */
static void check_normal(struct str path)
{
	char *encoded = malloc(3 * path.n);
	size_t n;

	MUST(encoded != NULL);
	MUST(path.n > 0 && path.p[0] == '/');
	MUST(!contains(path, STR("//")) && !contains(path, STR("\\")));
	MUST(!contains(path, STR("/../")) && !contains(path, STR("/./")));
	MUST(!str_ends_with(path, STR("/..")));
	MUST(!str_ends_with(path, STR("/.")));
	for (size_t i = 0; i < path.n; i++)
		MUST((unsigned char)path.p[i] >= 0x20 && path.p[i] != 0x7f);
	n = uri_encode(path, URI_PATH, encoded);
	MUST(n <= 3 * path.n);
	MUST(uri_normalise_path((struct str){encoded, n}, encoded, &n));
	MUST(str_equal((struct str){encoded, n}, path));
	free(encoded);
}

static void check_path(struct str path)
{
	char *out = malloc(path.n + (path.n == 0));
	struct str in_place = copy_of(path);
	size_t n = 0, n_in_place = 0;

	MUST(out != NULL);

	bool right = uri_normalise_path(path, out, &n);

	MUST(uri_normalise_path(in_place, (char *)in_place.p, &n_in_place) ==
	     right);
	if (right) {
		MUST(n <= path.n && n == n_in_place);
		MUST(memcmp(out, in_place.p, n) == 0);
		check_normal((struct str){out, n});
	}
	free((char *)in_place.p);
	free(out);
}

static void check_decode(struct str s, bool plus)
{
	char *out = malloc(s.n + (s.n == 0));
	struct str in_place = copy_of(s);
	size_t n;

	MUST(out != NULL);
	n = uri_decode(s, plus, out);
	MUST(n <= s.n);
	MUST(uri_decode(in_place, plus, (char *)in_place.p) == n);
	MUST(n == 0 || memcmp(in_place.p, out, n) == 0);
	free((char *)in_place.p);
	free(out);
}

static void check_encode(struct str s)
{
	char *once = malloc(3 * s.n + 1), *twice = malloc(9 * s.n + 1);
	size_t n, again;

	MUST(once != NULL && twice != NULL);
	n = uri_encode(s, URI_WHOLE, once);
	MUST(n >= s.n && n <= 3 * s.n);
	for (size_t i = 0; i < n; i++)
		MUST(once[i] > ' ' && once[i] < 0x7f);
	again = uri_encode((struct str){once, n}, URI_WHOLE, twice);
	MUST(str_equal((struct str){once, n}, (struct str){twice, again}));

	n = uri_encode(s, URI_PATH, once);
	MUST(n >= s.n && n <= 3 * s.n);
	MUST(memchr(once, '?', n) == NULL && memchr(once, '#', n) == NULL);
	n = uri_decode((struct str){once, n}, false, once);
	MUST(str_equal((struct str){once, n}, s));

	n = uri_encode(s, URI_VALUE, once);
	MUST(n >= s.n && n <= 3 * s.n);
	n = uri_decode((struct str){once, n}, true, once);
	MUST(str_equal((struct str){once, n}, s));
	free(once);
	free(twice);
}

static void check_host(struct str host)
{
	struct str name = uri_host_name(host);

	MUST(is_within(name, host));
	if (!uri_host_is_valid(host))
		return;
	MUST(name.n <= host.n && uri_host_is_valid(name));
	MUST(!contains(host, STR("@")) && !contains(host, STR("/")));
	for (size_t i = 0; i < host.n; i++)
		MUST(host.p[i] > ' ' && host.p[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = copy_of((struct str){(const char *)data, size});

	check_path(input);
	check_decode(input, false);
	check_decode(input, true);
	check_encode(input);
	check_host(input);
	free((char *)input.p);
	return 0;
}
