package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
)

// Methods of training.
const (
	Full  = "full"
	LoRA  = "lora"  // rank 8 on every linear layer
	QLoRA = "qlora" // the same on weights in NF4
)

// TrainOptions say what Train does.
type TrainOptions struct {
	Config    string `json:"config"` // one of Configs
	Method    string `json:"method"` // Full, LoRA or QLoRA
	Batch     int    `json:"batch"`  // sequences in a step
	Seq       int    `json:"seq"`    // tokens in a sequence
	Steps     int    `json:"steps"`
	Precision string `json:"precision"` // F32 or BF16
	Threads   int    `json:"threads"`   // 0: all cores
	Profile   bool   `json:"profile"`   // times every op, at a small cost

	Checkpointing bool `json:"checkpointing,omitempty"` // blocks are computed again in the backward pass
}

// TrainResult is what Train measured. With two steps or more, the first one,
// which takes its memory from the system, is not in the rates and the profile.
type TrainResult struct {
	TrainOptions
	TokensPerSecond float64   `json:"tokens_per_second"` // of the batch's tokens, at the median step
	StepMSMedian    float64   `json:"step_ms_median"`
	StepMS          []float64 `json:"step_ms"`                 // of every step
	CPUMSMedian     float64   `json:"step_cpu_ms_median"`      // processor time of all threads together: other programs\' turns do not count
	PeakMemory      int64     `json:"peak_memory_bytes"`       // of the process, from the first step on
	SetupMemory     int64     `json:"setup_peak_memory_bytes"` // before it, while random weights were drawn
	Losses          []float64 `json:"losses"`                  // of every step, nats; all steps see the same batch
	Parameters      int64     `json:"parameters"`              // of the model
	Trainable       int64     `json:"trainable_parameters"`
	FLOPs           int64     `json:"flops_per_step"` // by the ops' records, forward and backward
	GFLOPS          float64   `json:"gflops"`
	Profile         []OpTime  `json:"profile,omitempty"`
	Machine         Machine   `json:"machine"`
}

func (o *TrainOptions) check() error {
	switch {
	case o.Method != Full && o.Method != LoRA && o.Method != QLoRA:
		return fmt.Errorf("method: no method %q; use %s, %s or %s", o.Method, Full, LoRA, QLoRA)
	case o.Batch < 1 || o.Steps < 1:
		return fmt.Errorf("batch and steps are 1 at least")
	case o.Seq < 2:
		return fmt.Errorf("seq: a sequence has 2 tokens at least, one to predict")
	}
	return nil
}

// Train measures steps of training a model of random weights: forward,
// backward and AdamW, without clipping, on one batch of random tokens. A decoder
// learns to predict each next token, an encoder a label of each sequence.
func Train(ctx context.Context, o TrainOptions) (TrainResult, error) {
	if err := o.check(); err != nil {
		return TrainResult{}, err
	}
	cpu, err := openEngine(o.Precision, o.Threads)
	if err != nil {
		return TrainResult{}, err
	}
	defer cpu.Close()
	var e compute.Engine = cpu
	var timed *timedEngine
	if o.Profile {
		timed = newTimedEngine(cpu)
		e = timed
	}
	o.Threads = cpu.Threads()
	r := TrainResult{TrainOptions: o, Machine: thisMachine(cpu)}
	rng := spec.Stream(1, "bench")
	s, err := newSubject(o, e, rng)
	if err != nil {
		return r, err
	}
	if o.Seq > s.context {
		return r, fmt.Errorf("seq: %d tokens are more than the context of %s, %d", o.Seq, o.Config, s.context)
	}
	r.Parameters = s.weights
	for _, p := range s.params {
		r.Trainable += int64(p.Len())
	}
	opt := optim.NewAdamW(s.params, optim.Config{})
	data := s.randomBatch(o.Batch, o.Seq, rng)
	r.SetupMemory = peakMemory()
	resetPeak()
	var in time.Duration // steps in the profile
	var cpuMS []float64
	for k := range o.Steps {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		if timed != nil && k <= 1 {
			timed.reset()
			in = 0
		}
		start, used := time.Now(), cpuTime()
		loss, flops, err := step(e, s, opt, data)
		if err != nil {
			return r, fmt.Errorf("step %d: %w", k+1, err)
		}
		d := time.Since(start)
		in += d
		cpuMS = append(cpuMS, ms(cpuTime()-used))
		r.StepMS, r.Losses, r.FLOPs = append(r.StepMS, ms(d)), append(r.Losses, loss), flops
	}
	r.PeakMemory = peakMemory()
	steady := r.StepMS[min(1, o.Steps-1):]
	r.StepMSMedian, r.CPUMSMedian = median(steady), median(cpuMS[min(1, o.Steps-1):])
	r.TokensPerSecond = float64(o.Batch*o.Seq) / r.StepMSMedian * 1e3
	r.GFLOPS = float64(r.FLOPs) / r.StepMSMedian / 1e6
	if timed != nil {
		r.Profile = timed.table(in, len(steady))
	}
	return r, nil
}

// step trains once and gives the loss before it and the arithmetic.
func step(e compute.Engine, s *subject, opt *optim.AdamW, data batch) (loss float64, flops int64, err error) {
	t := autograd.NewTape(e, true)
	defer t.Release()
	err = autograd.Catch(func() {
		l := s.loss(t, data)
		t.Backward(l)
		loss, flops = float64(l.Scalar()), t.FLOPs()
	})
	if err != nil {
		return 0, 0, err
	}
	if err := opt.Step(s.rate, 1); err != nil {
		return 0, 0, err
	}
	optim.ZeroGrad(s.params)
	return loss, flops, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median of a list that is not empty; of an even number, the mean of the middle two.
func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
