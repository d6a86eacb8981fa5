// Package projection makes a profile smaller without changing its sums: fewer labels, fewer levels of the stack, fewer
// samples. Profile stores need that, because they take each set of labels for a series and limit series, samples and
// bytes.
package projection
