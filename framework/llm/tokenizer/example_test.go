package tokenizer_test

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/llm/tokenizer"
)

// A pair of texts for an encoder: BERT's segments are the types.
func ExampleTokenizer_EncodePair() {
	tok, err := tokenizer.Load("testdata/bert")
	if err != nil {
		panic(err)
	}
	pair := tok.EncodePair("The dog jumps.", "Is it lazy?", true)
	fmt.Println(tok.Tokens(pair.IDs))
	fmt.Println(pair.Types)
	fmt.Println(tok.Decode(pair.IDs, true))
	// Output:
	// [[CLS] the dog jumps . [SEP] is it lazy ? [SEP]]
	// [0 0 0 0 0 0 1 1 1 1 1]
	// the dog jumps. is it lazy?
}
