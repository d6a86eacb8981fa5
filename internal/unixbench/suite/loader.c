/* What a dynamic loader costs beside its system calls: page faults, symbol lookups, and asking the CPU what it is.
 *
 * The last is most of it in a virtual machine, where every CPUID is left to the hypervisor: 68 of them at 7 us each were 71 % of
 * UnixBench's execl on an Intel VM (glibc 2.36, counted by single steps). An execl without them would look five times as fast, and
 * an enforcer's share five times as large.
 */
#include "suite.h"

enum {
	PAGE = 4096,
	PAGES = 64,
	/* Bytes looked at, seven instructions each. Measured, as the next two are. */
	LOOKUPS = 14400,
	/* More than a first level cache holds, as libc's symbol table is: every other look goes to the second. */
	TABLE = 32 * 1024,
	CPUIDS_INTEL = 68,
	/* glibc asks others by leaf 0x8000001d, without walking the list again for every cache level. */
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
/* arm64's glibc reads one register for that. */
void ask_cpu(void)
{
}
#endif
