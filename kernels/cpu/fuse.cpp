// A fused element-wise function: any number of element-wise operations in one pass over memory.
//
// The function is a graph of operations. Here it is a list of steps, in the order of the graph; each step is one
// operation on registers. A register is a block of 1 kB, small enough for the L1 cache, and a step is a loop over a
// block. All steps are done for one block before the next block begins. So memory is read once for each input and
// written once for the output. All elements of a block share the overhead of a step, for example its switch.
//
//     memory       x ......[ block ]......        steps read inputs where they lie
//     cache                [ s = sigmoid(x) ]
//     memory       y ......[ y = x s ]......      the last step writes to the output
#include "erf.hpp"
#include "exp.hpp"
#include "log.hpp"
#include "threads.hpp"

#include <vector>

constexpr int64_t BLOCK = 1024 / sizeof(Real), CHUNK = 64 * BLOCK;   // elements of a register, and of a task
constexpr int MAX_REGISTERS = 32, MAX_INPUTS = 8;

// --- operations: the order is that of OPERATIONS in Python ------------------------------------------------------------

enum Operation : int64_t {
    CLONE, NEG, ABS, SIGN, SQUARE, SQRT, RSQRT, RELU, LOGICAL_NOT,
    EXP, EXPM1, LOG, LOG1P, SIGMOID, TANH, SOFTPLUS, ERF,
    ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, RELU_GRAD,
    EQ, NE, LT, LE, GT, GE, LOGICAL_AND, LOGICAL_OR,
    WHERE,
};

static inline Vec one_or_zero(Indices condition) { return condition ? broadcast(1) : Vec{}; }
static inline Vec sqrt(Vec x) {
    for (int i = 0; i < LANES; ++i) x[i] = sqrt(x[i]);
    return x;
}
static inline Vec softplus(Vec x) { return relu(x) + log1p(exp(-abs(x))); }   // log(1 + eˣ)

// to[i] = f(operands[i]...) for i < n. Operands have room for whole vectors. `to` may be one of the operands.
template <class F, class... Operand>
static inline void map(int64_t n, F f, Real* to, const Operand*... operands) {
    for (int64_t i = 0; i < n; i += LANES) store(to + i, f(load(operands + i)...));
}

static void run_step(int64_t operation, Real* to, const Real* a, const Real* b, const Real* c, int64_t n) {
    const auto unary = [=](auto f) { map(n, f, to, a); };
    const auto binary = [=](auto f) { map(n, f, to, a, b); };
    switch (operation) {
        case CLONE: return unary([](Vec x) { return x; });
        case NEG: return unary([](Vec x) { return -x; });
        case ABS: return unary([](Vec x) { return abs(x); });
        case SIGN: return unary([](Vec x) { return x > 0 ? broadcast(1) : x < 0 ? broadcast(-1) : broadcast(0); });
        case SQUARE: return unary([](Vec x) { return x * x; });
        case SQRT: return unary([](Vec x) { return sqrt(x); });
        case RSQRT: return unary([](Vec x) { return 1 / sqrt(x); });
        case RELU: return unary([](Vec x) { return relu(x); });
        case LOGICAL_NOT: return unary([](Vec x) { return one_or_zero(x == 0); });
        case EXP: return unary([](Vec x) { return exp(x); });
        case EXPM1: return unary([](Vec x) { return expm1(x); });
        case LOG: return unary([](Vec x) { return log(x); });
        case LOG1P: return unary([](Vec x) { return log1p(x); });
        case SIGMOID: return unary([](Vec x) { return sigmoid(x); });
        case TANH: return unary([](Vec x) { return tanh(x); });
        case SOFTPLUS: return unary([](Vec x) { return softplus(x); });
        case ERF: return unary([](Vec x) { return erf(x); });
        case ADD: return binary([](Vec x, Vec y) { return x + y; });
        case SUB: return binary([](Vec x, Vec y) { return x - y; });
        case MUL: return binary([](Vec x, Vec y) { return x * y; });
        case DIV: return binary([](Vec x, Vec y) { return x / y; });
        case MAXIMUM: return binary([](Vec x, Vec y) { return (x > y) | (x != x) ? x : y; });   // NaN wins
        case MINIMUM: return binary([](Vec x, Vec y) { return (x < y) | (x != x) ? x : y; });
        case RELU_GRAD: return binary([](Vec g, Vec x) { return x <= 0 ? Vec{} : g; });
        case EQ: return binary([](Vec x, Vec y) { return one_or_zero(x == y); });
        case NE: return binary([](Vec x, Vec y) { return one_or_zero(x != y); });
        case LT: return binary([](Vec x, Vec y) { return one_or_zero(x < y); });
        case LE: return binary([](Vec x, Vec y) { return one_or_zero(x <= y); });
        case GT: return binary([](Vec x, Vec y) { return one_or_zero(x > y); });
        case GE: return binary([](Vec x, Vec y) { return one_or_zero(x >= y); });
        case LOGICAL_AND: return binary([](Vec x, Vec y) { return one_or_zero((x != 0) & (y != 0)); });
        case LOGICAL_OR: return binary([](Vec x, Vec y) { return one_or_zero((x != 0) | (y != 0)); });
        case WHERE: return map(n, [](Vec x, Vec y, Vec z) { return x != 0 ? y : z; }, to, a, b, c);
    }
}

// --- the interpreter: it runs the steps, block by block ---------------------------------------------------------------

struct Step {
    int64_t operation, to, a, b, c;   // registers; an operand that the operation does not have is 0
};

struct Graph {
    const Step* steps;
    int64_t step_count;
    const Real* inputs[MAX_INPUTS];
    int64_t input_count;
    int64_t scalars;   // bit i is set if input i is one number for all elements
    const Real* constants;
    int64_t constant_count;
};

// Registers are numbered in this order: inputs, constants, results of steps. The block of a scalar input or a constant is
// filled once, in the constructor.
class Interpreter {
    const Graph& graph;
    alignas(64) Real blocks[MAX_REGISTERS][BLOCK];
    const Real* operands[MAX_REGISTERS];   // where each register lies: its block, or a part of an input

    void fill(int64_t r, Real value) {
        for (Real& x : blocks[r]) x = value;
    }
    bool is_scalar(int64_t r) const { return graph.scalars >> r & 1; }
    void run_step(const Step& s, Real* to, int64_t n) {
        ::run_step(s.operation, to, operands[s.a], operands[s.b], operands[s.c], n);
    }

public:
    explicit Interpreter(const Graph& g) : graph(g) {
        for (int64_t r = 0; r < MAX_REGISTERS; ++r) operands[r] = blocks[r];
        for (int64_t r = 0; r < g.input_count; ++r)
            if (is_scalar(r)) fill(r, *g.inputs[r]);
        for (int64_t k = 0; k < g.constant_count; ++k) fill(g.input_count + k, g.constants[k]);
    }

    // Computes elements begin, ..., begin + n - 1, with n <= BLOCK. Returns the address of the result: `to`, if that is
    // not null and the block is whole, and a register otherwise.
    const Real* run(int64_t begin, int64_t n, Real* to) {
        for (int64_t r = 0; r < graph.input_count; ++r) {
            if (is_scalar(r)) continue;
            const Real* from = graph.inputs[r] + begin;
            if (n < BLOCK) memcpy(blocks[r], from, n * sizeof(Real));   // steps read whole vectors
            operands[r] = n < BLOCK ? blocks[r] : from;
        }
        const Step* last = graph.steps + graph.step_count - 1;
        for (const Step* s = graph.steps; s < last; ++s) run_step(*s, blocks[s->to], n);
        Real* const y = to && n == BLOCK ? to : blocks[last->to];
        run_step(*last, y, n);
        return y;
    }
};

// Calls work(interpreter, chunk, begin, end) for every chunk of the elements; chunks are tasks.
template <class Work>
static void for_chunks(const Graph& graph, int64_t n, Work work) {
    parallel(ceil_div(n, CHUNK), [&](int64_t chunk) {
        Interpreter interpreter(graph);
        work(interpreter, chunk, chunk * CHUNK, min(n, (chunk + 1) * CHUNK));
    });
}

static void compute(const Graph& graph, Real* y, int64_t n) {
    for_chunks(graph, n, [&](Interpreter& interpreter, int64_t, int64_t begin, int64_t end) {
        for (; begin < end; begin += BLOCK) {
            const int64_t m = min(BLOCK, end - begin);
            const Real* result = interpreter.run(begin, m, y + begin);
            if (m < BLOCK) memcpy(y + begin, result, m * sizeof(Real));
        }
    });
}

// The sum of all elements. Within a block, each lane has a sum of its own. The sums of lanes, blocks and chunks are added
// in double precision, one after the other.
static double compute_sum(const Graph& graph, int64_t n) {
    std::vector<double> sums(ceil_div(n, CHUNK));
    for_chunks(graph, n, [&](Interpreter& interpreter, int64_t chunk, int64_t begin, int64_t end) {
        double sum = 0;
        for (; begin < end; begin += BLOCK) {
            const int64_t m = min(BLOCK, end - begin), whole = m / LANES * LANES;
            const Real* result = interpreter.run(begin, m, nullptr);
            Vec lanes{};
            for (int64_t i = 0; i < whole; i += LANES) lanes += load(result + i);
            for (int i = 0; i < LANES; ++i) sum += lanes[i];
            for (int64_t i = whole; i < m; ++i) sum += result[i];
        }
        sums[chunk] = sum;
    });
    double sum = 0;
    for (double s : sums) sum += s;
    return sum;
}

// --- entry points -----------------------------------------------------------------------------------------------------

// y = operation(a) or operation(a, b), for arrays of n elements in memory: a single step without registers. b may be null.
extern "C" void step(const Real* a, const Real* b, Real* y, int64_t n, int64_t operation) {
    parallel(ceil_div(n, CHUNK), [=](int64_t chunk) {
        const int64_t begin = chunk * CHUNK, end = min(n, begin + CHUNK), rest = end % LANES, whole = end - rest;
        run_step(operation, y + begin, a + begin, b ? b + begin : nullptr, nullptr, whole - begin);
        if (!rest) return;
        Real last_a[LANES] = {}, last_b[LANES] = {}, result[LANES];
        memcpy(last_a, a + whole, rest * sizeof(Real));
        if (b) memcpy(last_b, b + whole, rest * sizeof(Real));
        run_step(operation, result, last_a, last_b, nullptr, LANES);
        memcpy(y + whole, result, rest * sizeof(Real));
    });
}

// y = f(x0, x1, ...), element by element, or the sum over all n elements if `summed`. Inputs from input_count on
// are null. Steps are an array (step_count, 5).
extern "C" void fuse(const Real* x0, const Real* x1, const Real* x2, const Real* x3, const Real* x4, const Real* x5,
                     const Real* x6, const Real* x7, int64_t input_count, int64_t scalars, const Real* constants,
                     int64_t constant_count, const int64_t* steps, int64_t step_count, Real* y, int64_t n, int64_t summed) {
    const Graph graph{(const Step*)steps, step_count, {x0, x1, x2, x3, x4, x5, x6, x7}, input_count, scalars, constants,
                      constant_count};
    if (summed) *y = Real(compute_sum(graph, n));
    else compute(graph, y, n);
}
