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
	/* Page faults of UnixBench's execl beyond those that dynamic.c's mappings take; measured, as the next two are. */
	LOAD_FAULTS = 28,
	/* Bytes looked at, some five instructions each: 109,000 instructions in all. */
	LOOKUPS = 20000,
	CPUIDS_INTEL = 68,
	/* glibc asks others by leaf 0x8000001d, without walking the list again for every cache level. */
	CPUIDS_OTHER = 40,
};

static u8 memory[PAGES * PAGE] __attribute__((aligned(PAGE)));

void touch_pages(u32 first, u32 count)
{
	for (u32 i = 0; i < count; i++)
		*(volatile u8 *)(memory + (first + i) % PAGES * PAGE) += 1;
}

static void look_up(void)
{
	volatile u8 *bytes = memory;
	u32 hash = 5381;

	for (u32 i = 0; i < LOOKUPS; i++)
		hash = hash * 33 + bytes[i % PAGE];
	bytes[0] = hash;
}

#if defined(__x86_64__)
static void cpuid(u32 leaf, u32 subleaf, u32 *vendor)
{
	u32 a = leaf, c = subleaf, d;

	asm volatile("cpuid" : "+a"(a), "=b"(*vendor), "+c"(c), "=d"(d));
}

static void ask_cpu(void)
{
	enum { GENU = 0x756e6547 /* ineIntel */ };
	u32 vendor, ignored;

	cpuid(0, 0, &vendor);
	for (u32 i = 1; i < (vendor == GENU ? CPUIDS_INTEL : CPUIDS_OTHER); i++)
		cpuid(4, i % 4, &ignored);
}
#else
/* arm64's glibc reads one register for that. */
static void ask_cpu(void)
{
}
#endif

void compute_like_loader(void)
{
	ask_cpu();
	touch_pages(0, LOAD_FAULTS);
	look_up();
}
