package bind

import (
	"go/constant"
	"reflect"

	"github.com/goplus/ixgo"

	"github.com/tunelab/tunelab/kernel/lab"
)

func init() {
	ixgo.RegisterPackage(&ixgo.Package{
		Name: "lab", Path: "github.com/tunelab/tunelab/kernel/lab", Deps: map[string]string{"io": "io"},
		Interfaces: map[string]reflect.Type{}, AliasTypes: map[string]reflect.Type{},
		NamedTypes: map[string]reflect.Type{
			"Plan": reflect.TypeFor[lab.Plan](), "Option": reflect.TypeFor[lab.Option](), "Entry": reflect.TypeFor[lab.Entry](),
			"Result": reflect.TypeFor[lab.Result](), "Row": reflect.TypeFor[lab.Row](), "Cost": reflect.TypeFor[lab.Cost](), "Claim": reflect.TypeFor[lab.Claim](),
			"Curve": reflect.TypeFor[lab.Curve](), "Line": reflect.TypeFor[lab.Line](), "Figure": reflect.TypeFor[lab.Figure](), "Table": reflect.TypeFor[lab.Table](),
			"Sample": reflect.TypeFor[lab.Sample](), "Exported": reflect.TypeFor[lab.Exported](), "Findings": reflect.TypeFor[lab.Findings](), "Samples": reflect.TypeFor[lab.Samples](), "Replayed": reflect.TypeFor[lab.Replayed](),
		},
		Vars: map[string]reflect.Value{"ErrStopped": reflect.ValueOf(&lab.ErrStopped)},
		Funcs: map[string]reflect.Value{
			"Study": reflect.ValueOf(lab.Study), "Load": reflect.ValueOf(lab.Load), "Open": reflect.ValueOf(lab.Open),
			"Name": reflect.ValueOf(lab.Name), "Model": reflect.ValueOf(lab.Model), "Tasks": reflect.ValueOf(lab.Tasks), "Methods": reflect.ValueOf(lab.Methods),
			"Seeds": reflect.ValueOf(lab.Seeds), "Examples": reflect.ValueOf(lab.Examples), "Test": reflect.ValueOf(lab.Test), "Trials": reflect.ValueOf(lab.Trials),
			"MaxSeconds": reflect.ValueOf(lab.MaxSeconds), "Threads": reflect.ValueOf(lab.Threads), "Baselines": reflect.ValueOf(lab.Baselines),
			"State": reflect.ValueOf(lab.State), "Unlocked": reflect.ValueOf(lab.Unlocked), "Method": reflect.ValueOf(lab.Method), "Chart": reflect.ValueOf(lab.Chart),
		},
		TypedConsts:   map[string]ixgo.TypedConst{},
		UntypedConsts: map[string]ixgo.UntypedConst{"Figures": {Typ: "untyped string", Value: constant.MakeString(lab.Figures)}},
	})
}
