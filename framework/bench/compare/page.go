package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tunelab/tunelab/framework/bench"
)

// page is what is written.
type page struct {
	run  *run
	load []string // before and after
	rows []measured
	gemm *gemmTable
}

func (p *page) markdown() string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nWritten by `make bench`; not to be edited. Both sides train and generate with random weights of the same shapes, in processes of their own, " +
		"one after the other in every round. A figure is the median over the rounds, a ratio the median of the rounds' own ratios. " +
		"Training is forward, backward and AdamW without clipping and dropout; LoRA has rank 8 on every linear layer. " +
		"bf16 is autocast in PyTorch. Memory is the peak of the process from the first step on.\n\n")
	p.machine(&b)
	p.table(&b)
	p.products(&b)
	return b.String()
}

func (p *page) machine(b *strings.Builder) {
	var m *bench.Machine
	var versions map[string]string
	if p.gemm != nil {
		m, versions = &p.gemm.machine, p.gemm.versions
	}
	for _, r := range p.rows {
		for _, f := range r.ours {
			m = f.Machine
		}
		for _, f := range r.torch {
			versions = f.Versions
		}
	}
	if m != nil {
		fmt.Fprintf(b, "- Machine: %s, %d cores, %.0f GiB; %s\n- Instruction sets: %s; the engine used %s\n", m.CPU, m.Cores, gib(float64(m.Memory)), m.OS+"/"+m.Arch, strings.Join(m.Flags, " "), m.Features)
	}
	fmt.Fprintf(b, "- Threads: %d of each side. Rounds: %d. Date: %s\n", p.run.threads, p.run.rounds, time.Now().UTC().Format("2006-01-02"))
	if len(versions) > 0 {
		var list []string
		for _, name := range sortedKeys(versions) {
			list = append(list, name+" "+versions[name])
		}
		fmt.Fprintf(b, "- PyTorch side: %s\n", strings.Join(list, ", "))
	}
	if len(p.load) > 0 {
		fmt.Fprintf(b, "- Load of the machine (processes that run or wait, mean over a minute) before and after: %s. It should be near 0 before: beside other work, "+
			"threads that wait for each other lose most, PyTorch's above all, and two-thread ratios mean little.\n", strings.Join(p.load, ", "))
	}
	b.WriteString("\n")
}

func (p *page) table(b *strings.Builder) {
	if len(p.rows) == 0 {
		return
	}
	b.WriteString("| work | ours | PyTorch | ours, tok/s | PyTorch, tok/s | ratio | aim | ours, GiB | PyTorch, GiB | ratio | aim |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	refused := map[string]bool{}
	for _, m := range p.rows {
		speed, memory := [2]string{"-", "-"}, [2]string{"-", "-"}
		if m.refused == "" {
			speed = [2]string{number(median(of(m.ours, tokens))), ratio(m, tokens)}
			memory = [2]string{fmt.Sprintf("%.2f", gib(median(of(m.ours, peak)))), ratio(m, peak)}
		} else {
			refused[m.refused] = true
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %.2f | %s | %s |\n", m.title, m.pair.ours, m.pair.torch,
			speed[0], number(median(of(m.torch, tokens))), speed[1], aim(">=", m.speed), memory[0], gib(median(of(m.torch, peak))), memory[1], aim("<=", m.memory))
	}
	for _, precision := range sortedKeys(refused) {
		fmt.Fprintf(b, "\n`-`: the engine does not compute in %s yet.\n", precision)
	}
	b.WriteString("\n")
}

func (p *page) products(b *strings.Builder) {
	t := p.gemm
	if t == nil {
		return
	}
	fmt.Fprintf(b, "## Matrix products, GFLOP/s\n\nThe fastest call of each round, the median over rounds; f32 fused multiply-adds from registers reach %.0f. Forms: N as stored, T transposed, of A and B.\n\n| M x N x K | form | |", median(t.peaks))
	line := "\n|---|---|---|"
	for _, l := range libraries {
		fmt.Fprintf(b, " %s |", l.title)
		line += "--:|"
	}
	b.WriteString(line + "\n")
	for i, s := range t.shapes {
		fmt.Fprintf(b, "| %dx%dx%d | %s | %s |", s.m, s.n, s.k, string("NT"[s.ta])+string("NT"[s.tb]), s.what)
		for _, l := range libraries {
			fmt.Fprintf(b, " %.0f |", median(t.rates[i][l.key]))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

func tokens(f figures) float64 { return f.TokensPerSecond }
func peak(f figures) float64   { return float64(f.PeakMemory) }

func of(list []figures, what func(figures) float64) []float64 {
	out := make([]float64, len(list))
	for i, f := range list {
		out[i] = what(f)
	}
	return out
}

// ratio is the median over the rounds of ours over PyTorch's.
func ratio(m measured, what func(figures) float64) string {
	r := of(m.ours, what)
	for i, x := range of(m.torch, what) {
		r[i] /= x
	}
	return fmt.Sprintf("%.2f", median(r))
}

func aim(sign string, v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%s %g", sign, v)
}

func number(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func gib(v float64) float64 { return v / (1 << 30) }

// median of a list that is not empty; of an even number, the mean of the middle two.
func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
