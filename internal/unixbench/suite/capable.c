/*
 * Hook probe: one capability check and nothing else. Dropping a capability that does not exist first checks for
 * CAP_SETPCAP (hook capable, once) and then fails with EINVAL. It changes nothing.
 */
#include "suite.h"

enum { PR_CAPBSET_DROP = 24, NO_SUCH_CAPABILITY = 1000 };

static void operation(void)
{
	long result = SYS(prctl, PR_CAPBSET_DROP, NO_SUCH_CAPABILITY, 0, 0, 0);

	if (result != -EINVAL)
		fail("prctl(PR_CAPBSET_DROP) (1: CAP_SETPCAP is missing or denied)", result);
}

const struct test test_capable = { .name = "capable", .operation = operation, .batch = 64, .timebase = 1 };
