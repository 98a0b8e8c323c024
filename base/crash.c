/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This is the one place where code of ours runs in a signal handler, with what a
 * process wants to save in it. It calls what signal-safety(7) allows;
 * backtrace(3), which is safe once it has loaded its library, as it does
 * beforehand; and dladdr(3), which does no more than backtrace_symbols_fd(3).
 *
 * The memory of a process that crashes may be damaged anywhere. So the saver
 * and the stack's report run under a guard: a second fault ends that part, not
 * the handler.
 */
#include "base/crash.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/quote.h"

enum {
	CRASH_FRAMES = 64,
	CRASH_STACK = 64 * 1024, /* for the handler: ours may be used up */
	CRASH_LINE = 4096,
	CRASH_TEXT = 512, /* of a name that is put into one */
	CRASH_PASS_ON_MS = 1000,
};

/* Sanitizers print a better report of memory errors. */
#if defined(__SANITIZE_ADDRESS__)
static const int caught[] = {SIGABRT};
#else
static const int caught[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
#endif
enum { CAUGHT = sizeof(caught) / sizeof(*caught) };

/* The name of the process, as it stands in the text of the log and in its JSON
 * after the time. */
static char prefix[96];
static char json_prefix[160];

/* The line under construction, in static memory: the stack may be used up. */
static struct {
	char text[CRASH_LINE];
	size_t n;
} line;

static void put(struct str s, bool quoted)
{
	if (s.n > CRASH_TEXT)
		s.n = CRASH_TEXT;
	if (line.n + QUOTE_JSON_GROWTH * s.n > sizeof(line.text))
		return;
	char *to = line.text + line.n;

	if (quoted && log_format() == LOG_FORMAT_JSON)
		to = quote_json(to, s);
	else if (s.n > 0)
		to = (char *)memcpy(to, s.p, s.n) + s.n;
	line.n = (size_t)(to - line.text);
}

static void put_cstr(const char *text)
{
	put(str_of(text), true);
}

static void put_number(uint64_t number, unsigned base, size_t width)
{
	char digits[24], *end = digits + sizeof(digits), *p = end;

	for (; number > 0 || p == end || (size_t)(end - p) < width; number /= base)
		*--p = "0123456789abcdef"[number % base];
	put((struct str){p, (size_t)(end - p)}, true);
}

/* The date of the proleptic Gregorian calendar; gmtime(3) takes a lock. */
static void put_date(uint64_t days)
{
	/* From March on, years of 365.2425 days: a leap day is their last. */
	uint64_t z = days + 719468, era = z / 146097, of_era = z % 146097;
	uint64_t year =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153;
	uint64_t day = of_year - (153 * month + 2) / 5 + 1;

	month = month < 10 ? month + 3 : month - 9;
	put_number(year + 400 * era + (month <= 2), 10, 4);
	put_cstr("-");
	put_number(month, 10, 2);
	put_cstr("-");
	put_number(day, 10, 2);
}

/* "2026-11-20T16:00:00.123Z" */
static void put_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t s = (uint64_t)now.tv_sec;

	put_date(s / 86400);
	put_cstr("T");
	put_number(s / 3600 % 24, 10, 2);
	put_cstr(":");
	put_number(s / 60 % 60, 10, 2);
	put_cstr(":");
	put_number(s % 60, 10, 2);
	put_cstr(".");
	put_number((uint64_t)now.tv_nsec / 1000000, 10, 3);
	put_cstr("Z");
}

static void begin_line(void)
{
	line.n = 0;
	if (log_format() == LOG_FORMAT_TEXT) {
		/* As log_line(); 3 is the journal's number of an error. */
		if (log_is_journal()) {
			put_cstr("<3>");
		} else {
			put_time();
			put_cstr(" error ");
		}
		put_cstr(prefix);
		return;
	}
	put(STR("{\"time\":\""), false);
	put_time();
	put(str_of(json_prefix), false);
}

static void end_line(void)
{
	if (log_format() == LOG_FORMAT_JSON)
		put(STR("\"}"), false);
	put(STR("\n"), false);
	/* An error of write(2) cannot be reported anywhere. */
	if (write(log_fd(), line.text, line.n) == -1)
		return;
}

/* The file of the program. What dladdr(3) says of it is argv[0], which the title
 * of the process has overwritten. */
static char program[CRASH_TEXT];
static const void *program_base;

static void find_program(void)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	Dl_info info = {0};

	program[n > 0 ? n : 0] = '\0';
	if (dladdr((const void *)program, &info) != 0)
		program_base = info.dli_fbase;
}

/* "FILE(FUNCTION+0x12) [0x5566]" */
static void put_frame(const void *address)
{
	Dl_info info = {0};

	if (dladdr(address, &info) != 0 && info.dli_fname != NULL) {
		const char *from =
			info.dli_sname != NULL ? info.dli_saddr : info.dli_fbase;

		put_cstr(info.dli_fbase == program_base && program[0] != '\0'
				 ? program
				 : info.dli_fname);
		put_cstr("(");
		put_cstr(info.dli_sname != NULL ? info.dli_sname : "");
		put_cstr("+0x");
		put_number((uintptr_t)address - (uintptr_t)from, 16, 1);
		put_cstr(") ");
	}
	put_cstr("[0x");
	put_number((uintptr_t)address, 16, 1);
	put_cstr("]");
}

static void report(void *context)
{
	void *frames[CRASH_FRAMES];
	int n = backtrace(frames, CRASH_FRAMES);

	begin_line();
	put_cstr("signal ");
	put_number((uint64_t) * (const int *)context, 10, 1);
	put_cstr("; the stack is:");
	end_line();
	for (int i = 0; i < n; i++) {
		begin_line();
		put_frame(frames[i]);
		end_line();
	}
}

/* What is saved before the end. */

static struct {
	void (*save)(void);
	pid_t thread;
} saver;

/* Where the thread in the handler continues after a second fault. */
static struct {
	sigjmp_buf *back;
	pid_t thread;
} guard;

/* The thread that crashed first. */
static atomic_int culprit;

/* gettid(2) without glibc 2.30. */
static pid_t this_thread(void)
{
	return (pid_t)syscall(SYS_gettid);
}

bool crash_guard(void (*run)(void *context), void *context)
{
	sigjmp_buf here, *outer = guard.back;
	volatile bool is_fine = false;

	guard.thread = this_thread();
	if (sigsetjmp(here, 0) == 0) {
		guard.back = &here;
		run(context);
		is_fine = true;
	}
	guard.back = outer;
	return is_fine;
}

void crash_set_saver(void (*save)(void))
{
	saver.thread = this_thread();
	saver.save = save;
}

static void end_by(int number)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	sigaction(number, &standard, NULL);
	raise(number);
}

/* The objects of the saver's thread must not be read while it runs: it is
 * interrupted by the same signal, and its handler ends the process. */
static void pass_on(int number)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	if (syscall(SYS_tgkill, getpid(), saver.thread, number) == -1)
		return;
	for (int i = 0; i < CRASH_PASS_ON_MS; i++)
		nanosleep(&ms, NULL);
}

static void save(void *unused)
{
	(void)unused;
	saver.save();
}

static void on_fault(int number)
{
	pid_t self = this_thread();
	int none = 0;

	if (guard.back != NULL && guard.thread == self)
		siglongjmp(*guard.back, 1);
	bool is_first = atomic_compare_exchange_strong(&culprit, &none, self);
	bool saves = saver.save != NULL && saver.thread == self;

	if (!is_first && !saves)
		for (;;) /* the first one ends the process */
			pause();
	if (saves)
		(void)crash_guard(save, NULL);
	if (is_first)
		(void)crash_guard(report, &number);
	if (saver.save != NULL && !saves)
		pass_on(number);
	end_by(number);
}

void crash_install(const char *what)
{
	static char stack[CRASH_STACK];
	stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = on_fault};
	void *frame;

	snprintf(prefix, sizeof(prefix), "%s[%d]: ", what, (int)getpid());
	snprintf(json_prefix, sizeof(json_prefix),
		 "\",\"level\":\"error\",\"process\":\"%s\",\"pid\":%d,\"text\":\"",
		 what, (int)getpid());
	find_program();
	(void)backtrace(&frame, 1); /* loads what it needs */
	sigaltstack(&alternative, NULL);
	action.sa_flags = SA_ONSTACK | SA_NODEFER;
	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &action, NULL);
}
