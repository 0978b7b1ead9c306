// Package score judges single answers and averages them: arg-max over
// options, exact match, the number in a worked answer, win rate, macro F1.
// Plain Go values go in and out; nothing here knows runs or stores.
package score
