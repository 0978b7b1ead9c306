package compare

// costs averages the finished runs of each row and task. A run counts once,
// however many metrics it has.
func (c *Comparison) costs(results []Result) {
	type key struct{ name, task string }
	type once struct {
		key
		run  string
		seed int64
	}
	runs := map[key][]Cost{}
	seen := map[once]bool{}
	baseline := map[key]bool{}
	var order []key
	for _, r := range results {
		k := key{r.name(), r.Task}
		if !r.counts() || seen[once{k, r.RunID, r.Seed}] {
			continue
		}
		seen[once{k, r.RunID, r.Seed}] = true
		if len(runs[k]) == 0 {
			order = append(order, k)
		}
		runs[k] = append(runs[k], r.Cost)
		baseline[k] = r.Baseline
	}
	for _, row := range c.Rows {
		for _, k := range order {
			if k.name == row.Name {
				c.Costs = append(c.Costs, CostRow{Name: k.name, Baseline: baseline[k], Task: k.task, Runs: len(runs[k]), Cost: MeanCost(runs[k])})
			}
		}
	}
}

// MeanCost averages costs; peak memory is the maximum. Counts are rounded to
// the nearest whole.
func MeanCost(costs []Cost) Cost {
	n := len(costs)
	if n == 0 {
		return Cost{}
	}
	var sum Cost
	for _, c := range costs {
		sum.TrainableParams += c.TrainableParams
		sum.LabelledExamples += c.LabelledExamples
		sum.TrainTokens += c.TrainTokens
		sum.PromptTokens += c.PromptTokens
		sum.GeneratedTokens += c.GeneratedTokens
		sum.FLOPs += c.FLOPs
		sum.WallSeconds += c.WallSeconds
		sum.CPUSeconds += c.CPUSeconds
		sum.PeakMemoryBytes = max(sum.PeakMemoryBytes, c.PeakMemoryBytes)
		sum.ArtifactBytes += c.ArtifactBytes
		for k, v := range c.ExtraSupervision {
			if sum.ExtraSupervision == nil {
				sum.ExtraSupervision = map[string]int{}
			}
			sum.ExtraSupervision[k] += v
		}
	}
	for _, v := range []*int64{&sum.TrainableParams, &sum.LabelledExamples, &sum.TrainTokens, &sum.PromptTokens, &sum.GeneratedTokens, &sum.ArtifactBytes} {
		*v = (*v + int64(n)/2) / int64(n)
	}
	for _, v := range []*float64{&sum.FLOPs, &sum.WallSeconds, &sum.CPUSeconds} {
		*v /= float64(n)
	}
	for k, v := range sum.ExtraSupervision {
		sum.ExtraSupervision[k] = (v + n/2) / n
	}
	return sum
}
