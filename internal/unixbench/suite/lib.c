/* The few functions of a C library that are needed. */
#include "suite.h"

size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

char *append(char *to, const char *s)
{
	while ((*to = *s++))
		to++;
	return to;
}

char *append_number(char *to, u64 n)
{
	char digits[20];
	int i = 0;

	do
		digits[i++] = '0' + n % 10;
	while (n /= 10);
	while (i)
		*to++ = digits[--i];
	*to = 0;
	return to;
}

u64 number(const char *s, const char **end)
{
	u64 n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + (*s++ - '0');
	*end = s;
	return n;
}

/* The compiler emits calls of these three. */
void *memcpy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile u8 *)to)[i] = ((const u8 *)from)[i];
	return to;
}

void *memset(void *to, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile u8 *)to)[i] = c;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const u8 *)a)[i] != ((const u8 *)b)[i])
			return ((const u8 *)a)[i] - ((const u8 *)b)[i];
	return 0;
}

/* A real system call instead of the vDSO's. It reaches no LSM hook, and is shared by a batch of operations. */
u64 now(void)
{
	struct {
		u64 seconds;
		u64 nanoseconds;
	} time;

	SYS(clock_gettime, CLOCK_MONOTONIC, &time);
	return time.seconds * 1000000000 + time.nanoseconds;
}
