package jinja

// Expressions.
type expr interface{}

type (
	constExpr struct{ value any }
	dataExpr  struct{ text string } // template text
	nameExpr  struct{ name string }
	tupleExpr struct{ items []expr }
	listExpr  struct{ items []expr }
	dictExpr  struct{ keys, values []expr }
	attrExpr  struct {
		of   expr
		name string
	}
	itemExpr struct{ of, key expr }
	// sliceExpr's parts are nil where left out.
	sliceExpr struct{ start, stop, step expr }
	arguments struct {
		args      []expr
		names     []string // of the keyword arguments
		kwargs    []expr
		star      expr // *args, nil without
		starStars expr // **kwargs, nil without
	}
	callExpr struct {
		fn   expr
		args arguments
		line int
	}
	// filterExpr's of is nil at the inner end of a filter or set block.
	filterExpr struct {
		of   expr
		name string
		args arguments
		line int
	}
	testExpr struct {
		of   expr
		name string
		args arguments
		line int
	}
	condExpr struct {
		test, then, els expr // els is nil where left out
		line            int
	}
	andExpr   struct{ a, b expr }
	orExpr    struct{ a, b expr }
	notExpr   struct{ of expr }
	unaryExpr struct {
		op string
		of expr
	}
	binaryExpr struct {
		op   string
		a, b expr
		line int
	}
	concatExpr  struct{ items []expr }
	compareExpr struct {
		first expr
		ops   []string // ==, !=, <, <=, >, >=, in, notin
		rest  []expr
		line  int
	}
)

// Targets of an assignment: nameExpr, fieldTarget, or tupleExpr of those.
type fieldTarget struct{ name, field string }

// Statements.
type stmt interface{}

type (
	outputStmt struct {
		parts []expr
		lines []int // of the parts
	}
	forStmt struct {
		target    expr
		in, test  expr // test is nil without
		body, els []stmt
		recursive bool
		line      int
		bodyScope *scope
		testScope *scope
		elseScope *scope
	}
	ifStmt struct {
		tests  []expr   // if and elifs
		bodies [][]stmt // one for each test
		els    []stmt
		line   int
	}
	// A macroDef is what macro, call and generation define.
	macroDef struct {
		name     string
		params   []string
		defaults []expr // of the last parameters
		body     []stmt
		line     int
		scope    *scope

		takesCaller, takesKwargs, takesVarargs bool
	}
	macroStmt struct{ def *macroDef }
	// callStmt with a nil call is a generation block.
	callStmt struct {
		def  *macroDef
		call *callExpr
		line int
	}
	filterStmt struct {
		filter *filterExpr
		body   []stmt
		scope  *scope
		line   int
	}
	setStmt struct {
		target, value expr
		line          int
	}
	setBlock struct {
		target expr
		filter *filterExpr // nil without
		body   []stmt
		scope  *scope
		line   int
	}
	withStmt struct {
		targets, values []expr
		body            []stmt
		scope           *scope
		line            int
	}
	breakStmt    struct{ line int }
	continueStmt struct{ line int }
)
