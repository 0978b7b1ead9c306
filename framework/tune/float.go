package tune

import (
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
)

// NeedsFloat refuses, for a method that trains every weight, a model whose linear
// layers are stored in 4 bits: those stay as they are.
func NeedsFloat(m *model.Model) error {
	if !m.Config().NF4 {
		return nil
	}
	return sdk.Fail("model", "its linear layers are stored in 4 bits (NF4), which do not train", "use lora, qlora or feature, or give the model's float weights")
}
