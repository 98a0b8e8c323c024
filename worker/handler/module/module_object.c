/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/module/module_object.h"

#include <dlfcn.h>

enum { KNOWN_FLAGS = HOLDFAST_WHOLE_BODY | HOLDFAST_HALF_CLOSED };

/* The struct cannot be shorter than in the first version of the interface. */
enum { LEAST_SIZE = offsetof(struct holdfast_module, ended) + sizeof(void *) };

/* The members after `size` are valid only if that is. */
static const char *check_version(struct arena *arena,
				 const struct holdfast_module *m)
{
	if (m->abi != HOLDFAST_ABI)
		return arena_printf(arena,
				    "it was compiled for ABI %u of "
				    "holdfast/module.h; this holdfast has ABI %d",
				    m->abi, HOLDFAST_ABI)
			.p;
	if (m->size > sizeof(struct holdfast_module) ||
	    m->api_size > sizeof(struct holdfast_api))
		return "it was compiled for a later holdfast than this";
	if (m->size < LEAST_SIZE || m->api == NULL)
		return "its holdfast_module does not begin with "
		       "HOLDFAST_MODULE_VERSION";
	return NULL;
}

static const char *check_content(const struct holdfast_module *m)
{
	if (m->name == NULL || m->name[0] == '\0')
		return "its holdfast_module has no name";
	if (m->request == NULL)
		return "its holdfast_module has no request()";
	if (m->flags & ~(uint32_t)KNOWN_FLAGS)
		return "its holdfast_module has flags that are unknown here";
	if (m->body != NULL && m->flags & HOLDFAST_WHOLE_BODY)
		return "its holdfast_module has body() and HOLDFAST_WHOLE_BODY";
	return NULL;
}

const char *module_object_open(struct arena *arena, const char *path,
			       const struct holdfast_api *api,
			       struct holdfast_module *module_out)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (object == NULL)
		return arena_printf(arena, "%s", dlerror()).p;
	const struct holdfast_module *m = dlsym(object, "holdfast_module");
	const char *why = "it has no symbol holdfast_module";

	if (m != NULL)
		why = check_version(arena, m);
	if (why == NULL) {
		*module_out = (struct holdfast_module){0};
		memcpy(module_out, m, m->size);
		why = check_content(module_out);
	}
	if (why != NULL)
		return arena_printf(arena, "%s: %s", path, why).p;
	*m->api = api;
	return NULL;
}
