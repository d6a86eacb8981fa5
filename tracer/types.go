package tracer

import "github.com/lsmprof/lsmprof/internal/lsm"

var kernelTypes = lsm.KernelTypes
