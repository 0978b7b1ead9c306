package gen_test

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/base/gen"
)

func ExampleTasks() {
	for _, t := range gen.Tasks(1) {
		fmt.Println(t.Name, t.Kind, t.Metric, len(t.Train), len(t.Validation), len(t.Test))
	}
	// Output:
	// capitals generation exact_match 56 30 80
	// wordproblems generation number 400 100 250
	// sentiment classification accuracy 600 150 400
	// instructions instruction completion_loss 800 100 200
	// explain preference win_rate 500 100 150
}

func ExampleExplainReward() {
	row := gen.Row{"audience": gen.Child, "question": "Tell me why boats float."}
	fmt.Println(gen.ExplainReward(row, "A boat is full of air. The water pushes the boat up. So the boat can float."))
	fmt.Println(gen.ExplainReward(row, "Boats reach equilibrium when buoyancy balances gravity."))
	// Output:
	// 1
	// 0.029
}
