package bench

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/encoder"
)

func train(t *testing.T, o TrainOptions) TrainResult {
	t.Helper()
	if o.Batch == 0 {
		o.Batch, o.Seq, o.Steps = 2, 16, 3
	}
	if o.Precision == "" {
		o.Precision = F32
	}
	r, err := Train(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The counts of trainable weights are those of the architecture: LoRA has
// 8 (in + out) a linear layer.
func TestTrain(t *testing.T) {
	const c, inner = 192, 512
	weights := int64(2048*c + 6*(4*c*c+3*c*inner+2*c) + c)
	adapters := int64(6 * 8 * (4*(c+c) + 3*(c+inner)))
	for method, trainable := range map[string]int64{Full: weights, LoRA: adapters, QLoRA: adapters} {
		t.Run(method, func(t *testing.T) {
			r := train(t, TrainOptions{Config: "tiny", Method: method, Threads: 2})
			if r.Parameters != weights || r.Trainable != trainable {
				t.Errorf("%d of %d weights train, want %d of %d", r.Trainable, r.Parameters, trainable, weights)
			}
			if len(r.Losses) != 3 || math.Abs(r.Losses[0]-math.Log(2048)) > 0.5 || !(r.Losses[2] < r.Losses[0]) {
				t.Errorf("losses %v: they begin near ln 2048 and fall, for every step sees the same tokens", r.Losses)
			}
			if want := median(r.StepMS[1:]); r.StepMSMedian != want || math.Abs(r.TokensPerSecond-32e3/want) > 1e-6 {
				t.Errorf("steps of %v ms give a median of %g and %g tokens a second", r.StepMS, r.StepMSMedian, r.TokensPerSecond)
			}
			if r.PeakMemory < 4*weights || r.FLOPs < 4*32*weights {
				t.Errorf("%d bytes, %d operations", r.PeakMemory, r.FLOPs)
			}
		})
	}
}

// Neither threads nor the clock around each op change what is computed.
func TestProfile(t *testing.T) {
	plain := train(t, TrainOptions{Config: "tiny", Method: LoRA, Threads: 1})
	r := train(t, TrainOptions{Config: "tiny", Method: LoRA, Threads: 2, Profile: true})
	if !slices.Equal(plain.Losses, r.Losses) {
		t.Errorf("losses %v without a profile, %v with one", plain.Losses, r.Losses)
	}
	for _, list := range [][]OpTime{r.Profile, ByOp(r.Profile)} {
		share, step := 0.0, 0.0
		for _, p := range list {
			share, step = share+p.Share, step+p.MS
		}
		if math.Abs(share-1) > 1e-6 || math.Abs(step-(r.StepMS[1]+r.StepMS[2])/2) > 1e-3 {
			t.Errorf("the profile adds up to %g of a step, and %g ms of steps of %v", share, step, r.StepMS)
		}
	}
	calls := func(list []OpTime, op string) float64 {
		n := 0.0
		for _, p := range list {
			if p.Op == op {
				n += p.Calls
			}
		}
		return n
	}
	for op, want := range map[string]float64{"attention": 6, "attention_grad": 6, "cross_entropy": 1, "adamw": 2 * 7 * 6, "rope": 24} {
		if got := calls(r.Profile, op); got != want {
			t.Errorf("%g calls of %s in a step, want %g", got, op, want)
		}
	}
}

func TestEncoder(t *testing.T) {
	r := train(t, TrainOptions{Config: "distilbert", Method: Full, Batch: 1, Seq: 4, Steps: 2, Threads: 2})
	if r.Parameters != 66955010 || r.Trainable != r.Parameters { // transformers' DistilBertForSequenceClassification, 2 labels
		t.Errorf("%d of %d weights train", r.Trainable, r.Parameters)
	}
	if !(r.Losses[1] < r.Losses[0]) {
		t.Errorf("losses %v", r.Losses)
	}
}

func TestMistakes(t *testing.T) {
	good := TrainOptions{Config: "tiny", Method: Full, Batch: 1, Seq: 4, Steps: 1, Precision: F32}
	for want, change := range map[string]func(o *TrainOptions){
		`"f16" is none`:           func(o *TrainOptions) { o.Precision = "f16" },
		`no shape "gpt5"`:         func(o *TrainOptions) { o.Config = "gpt5" },
		`no method "adapters"`:    func(o *TrainOptions) { o.Method = "adapters" },
		"1 at least":              func(o *TrainOptions) { o.Steps = 0 },
		"one to predict":          func(o *TrainOptions) { o.Seq = 1 },
		"more than the context":   func(o *TrainOptions) { o.Seq = 1025 },
		"only decoders are quant": func(o *TrainOptions) { o.Config, o.Method = "distilbert", QLoRA },
	} {
		o := good
		change(&o)
		if _, err := Train(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// Every file is in the list, and is a config.json that its kind of model takes.
func TestConfigs(t *testing.T) {
	files, err := configFiles.ReadDir("configs")
	if err != nil || len(files) != len(Configs) {
		t.Errorf("%d files, %d names (%v)", len(files), len(Configs), err)
	}
	for _, name := range Configs {
		raw, err := configJSON(name)
		if err != nil {
			t.Fatal(err)
		}
		if isEncoder(name) {
			_, err = encoder.ParseConfig(raw)
		} else {
			_, err = checkpoint.ParseConfig(raw)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
