// Package computetest is the test kit of compute engines. It knows no engine:
// [Parity] compares any two over the whole table of ops with the tolerance that
// stands beside each op in table.go, [SameBits] compares them bit for bit, and
// both fail while an op has no cases. [Op] does the same for one op that another
// module registered.
package computetest
