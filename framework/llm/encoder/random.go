package encoder

import (
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
)

// New makes an encoder of random weights with the pooler, if the family has
// one, and the masked-LM head: matrices normal with Config.InitStd from rng in
// the order of construction, norms the identity, biases 0. cfg is what ParseConfig
// gave, whose text Save writes again. It is meant for tests and for training from
// scratch; transformers also sets the row of the padding token to 0.
func New(cfg Config, e compute.Engine, rng *rand.Rand) (*Encoder, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	pooler := families[cfg.Family].names.pooler != ""
	return build(cfg, e, parts{pooler: pooler, mlm: true}, model.Random(cfg.InitStd, cfg.Layers, rng))
}
