// Package embed makes vectors of texts with an encoder or a decoder, as
// sentence-transformers (6.2; Reimers and Gurevych 2019, arXiv:1908.10084) does
// from its folders, or with a pooling that is asked for.
//
// A text passes through these stages:
//
//	the recipe is read              recipe.go, settings.go
//	a prompt is put before the text,
//	which becomes tokens, cut       texts.go
//	tokens become hidden states     network.go
//	these are pooled                pool.go
//	and go through further modules  stage.go
//
// A module, a pooling or a setting that is not known here is refused by its name,
// never skipped.
package embed
