/*
 * Costs of a dynamic loader other than its system calls: page faults, symbol lookups, and CPUID.
 *
 * CPUID is the largest in a virtual machine, where the hypervisor emulates it: 68 of them at 7 us each were 71 % of
 * UnixBench's execl on an Intel VM (glibc 2.36, counted by single steps). Without them execl would look five times as
 * fast, and an enforcer's share five times as large.
 */
#include "suite.h"

enum {
	PAGE = 4096,
	PAGES = 64,
	/* Bytes that are read, with seven instructions each. This and the next two are measured. */
	LOOKUPS = 14400,
	/* Larger than a first level cache, like libc's symbol table: every other access goes to the second level. */
	TABLE = 32 * 1024,
	CPUIDS_INTEL = 68,
	/* For other vendors glibc reads leaf 0x8000001d, once for all cache levels. */
	CPUIDS_OTHER = 41,
};

static u8 memory[PAGES * PAGE] __attribute__((aligned(PAGE)));

void touch_pages(u32 first, u32 count)
{
	for (u32 i = 0; i < count; i++)
		*(volatile u8 *)(memory + (first + i) % PAGES * PAGE) += 1;
}

void look_up(u64 table, u64 size)
{
	const volatile u8 *bytes = (const volatile u8 *)table;
	u32 hash = 5381, mask = (size < TABLE ? PAGE : TABLE) - 1;

	for (u32 i = 0; i < LOOKUPS; i++)
		hash = hash * 33 + bytes[hash >> 8 & mask];
	memory[0] = hash;
}

#if defined(__x86_64__)
static void cpuid(u32 leaf, u32 subleaf, u32 *vendor)
{
	u32 a = leaf, c = subleaf, d;

	asm volatile("cpuid" : "+a"(a), "=b"(*vendor), "+c"(c), "=d"(d));
}

void ask_cpu(void)
{
	enum { GENU = 0x756e6547 /* ineIntel */ };
	u32 vendor, ignored;

	cpuid(0, 0, &vendor);
	for (u32 i = 1; i < (vendor == GENU ? CPUIDS_INTEL : CPUIDS_OTHER); i++)
		cpuid(4, i % 4, &ignored);
}
#else
/* On arm64 glibc reads one register instead. */
void ask_cpu(void)
{
}
#endif
