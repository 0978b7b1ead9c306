// Package features turns texts into vectors with a frozen model: the hidden
// state of the last token, the mean over tokens, or the two together, after any
// block (Peters et al. 2019, To Tune or Not to Tune?, section 2). Vectors are
// kept in a cache folder, with what they cost, so that a run counts the same
// whether it computed them or found them.
package features
