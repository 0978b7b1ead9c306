// Package features turns texts into vectors with a frozen model, a decoder or an
// encoder: the hidden state of the last token, the mean over tokens, or the two
// together, after any block (Peters et al. 2019, To Tune or Not to Tune?,
// section 2), and of an encoder that of the first token too. Vectors are
// kept in a cache folder, with what they cost, so that a run counts the same
// whether it computed them or found them.
package features
