// Package enforcer knows the products that lsmprof profiles: which BPF LSM programs are theirs, and where in their maps the number
// of rules stands that each program walks. It reads their maps from outside and never changes them.
package enforcer

import "github.com/lsmprof/lsmprof/internal/enforcer/rules"

// Rules is the number of rules in force for one workload, by the kind of rule.
type Rules = rules.Rules
