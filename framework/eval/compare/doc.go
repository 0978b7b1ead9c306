// Package compare turns the results of runs into a table of methods by tasks
// with intervals, and into claims that say what is better, what is equivalent
// and what is not resolved.
//
// A claim about methods needs six seeds or more; two to five seeds give
// intervals and no test; one seed gives a claim about two runs. Holm's
// correction runs over all pairs within one task and metric.
package compare
