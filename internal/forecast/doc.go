// Package forecast works out what hooks would cost under another number of rules. It is pure.
//
// A [Model] holds the cost of a call of each hook over the number of rules: without a policy, with a policy without
// rules, with the first rule, and with each further one. [FitRun] fits it to a benchmark, and [FitWorkloads] to a
// recording whose workloads have different numbers of rules. A [Workload] holds the calls that were recorded. Its
// forecast begins at the mean that was recorded, which contains the depth of the workload's own paths, and adds what
// the model says about the rules that come or go.
//
// Every figure has a 95 % interval. It contains the errors of the model and of the recording, and what neither knows:
// how deep the paths are if no rule was in force, and where the walk through the rules stops if calls are denied.
package forecast
