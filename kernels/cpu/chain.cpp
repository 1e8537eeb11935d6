// Chains of element-wise operations in one pass over memory.
//
// A program is a list of steps, each an operation on registers. Here a register is a block of 1 kB in the nearest cache,
// and a step a loop over it: all steps of a program are done for one block before the next is looked at. What a step
// costs besides its arithmetic (one branch on the operation, loads and stores of the nearest cache) is spread over the
// block, and memory sees inputs and output alone.
//
//     memory       x ......[ block ]......        inputs are read where they are
//     cache                [ s = sigmoid(x) ]
//     memory       y ......[ y = x s ]......      the last step writes the output where it belongs
#include "error_function.hpp"
#include "exponential.hpp"
#include "logarithm.hpp"
#include "threads.hpp"

#include <vector>

constexpr int64_t BLOCK = 1024 / sizeof(Real), PIECE = 64 * BLOCK;   // a task is a piece
constexpr int REGISTERS_AT_MOST = 32, INPUTS_AT_MOST = 8;

// --- operations: the order is that of OPERATIONS in minicnn/backends/trace.py ------------------------------------------------

enum Operation : int64_t {
    CLONE, NEG, ABS, SIGN, SQUARE, SQRT, RSQRT, RELU, LOGICAL_NOT,
    EXP, EXPM1, LOG, LOG1P, SIGMOID, TANH, SOFTPLUS, ERF,
    ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, RELU_GRAD,
    EQ, NE, LT, LE, GT, GE, LOGICAL_AND, LOGICAL_OR,
    WHERE,
};

static inline Vec as_number(Indices condition) { return condition ? all(1) : Vec{}; }
static inline Vec root(Vec x) {
    for (int i = 0; i < LANES; ++i) x[i] = sqrt(x[i]);
    return x;
}
static inline Vec soft(Vec x) { return rectified(x) + logarithm_of_1_plus(exponential(-magnitude(x))); }   // log(1 + e^x)

// One step on the first n elements; registers have room for whole vectors. A result may take an operand's place.
template <class F, class... Operand>
static inline void each(int64_t n, F f, Real* to, const Operand*... from) {
    for (int64_t i = 0; i < n; i += LANES) store(to + i, f(load(from + i)...));
}

static void do_step(int64_t operation, Real* to, const Real* a, const Real* b, const Real* c, int64_t n) {
    const auto one = [=](auto f) { each(n, f, to, a); };
    const auto two = [=](auto f) { each(n, f, to, a, b); };
    switch (operation) {
        case CLONE: return one([](Vec x) { return x; });
        case NEG: return one([](Vec x) { return -x; });
        case ABS: return one([](Vec x) { return magnitude(x); });
        case SIGN: return one([](Vec x) { return x > 0 ? all(1) : x < 0 ? all(-1) : x + 0; });   // -0 becomes 0
        case SQUARE: return one([](Vec x) { return x * x; });
        case SQRT: return one([](Vec x) { return root(x); });
        case RSQRT: return one([](Vec x) { return 1 / root(x); });
        case RELU: return one([](Vec x) { return rectified(x); });
        case LOGICAL_NOT: return one([](Vec x) { return as_number(x == 0); });
        case EXP: return one([](Vec x) { return exponential(x); });
        case EXPM1: return one([](Vec x) { return exponential_minus_1(x); });
        case LOG: return one([](Vec x) { return logarithm(x); });
        case LOG1P: return one([](Vec x) { return logarithm_of_1_plus(x); });
        case SIGMOID: return one([](Vec x) { return logistic(x); });
        case TANH: return one([](Vec x) { return hyperbolic_tangent(x); });
        case SOFTPLUS: return one([](Vec x) { return soft(x); });
        case ERF: return one([](Vec x) { return error_function(x); });
        case ADD: return two([](Vec x, Vec y) { return x + y; });
        case SUB: return two([](Vec x, Vec y) { return x - y; });
        case MUL: return two([](Vec x, Vec y) { return x * y; });
        case DIV: return two([](Vec x, Vec y) { return x / y; });
        case MAXIMUM: return two([](Vec x, Vec y) { return (x > y) | (x != x) ? x : y; });   // NaN wins
        case MINIMUM: return two([](Vec x, Vec y) { return (x < y) | (x != x) ? x : y; });
        case RELU_GRAD: return two([](Vec g, Vec at) { return at <= 0 ? Vec{} : g; });
        case EQ: return two([](Vec x, Vec y) { return as_number(x == y); });
        case NE: return two([](Vec x, Vec y) { return as_number(x != y); });
        case LT: return two([](Vec x, Vec y) { return as_number(x < y); });
        case LE: return two([](Vec x, Vec y) { return as_number(x <= y); });
        case GT: return two([](Vec x, Vec y) { return as_number(x > y); });
        case GE: return two([](Vec x, Vec y) { return as_number(x >= y); });
        case LOGICAL_AND: return two([](Vec x, Vec y) { return as_number((x != 0) & (y != 0)); });
        case LOGICAL_OR: return two([](Vec x, Vec y) { return as_number((x != 0) | (y != 0)); });
        case WHERE: return each(n, [](Vec x, Vec y, Vec z) { return x != 0 ? y : z; }, to, a, b, c);
    }
}

// --- programs ---------------------------------------------------------------------------------------------------------

struct Step {
    int64_t operation, to, a, b, c;   // registers; operands that an operation does not have are 0
};

struct Program {
    const Step* steps;
    int64_t length;
    const Real* inputs[INPUTS_AT_MOST];
    int64_t count, single;      // bits of `single`: the input is one number for all elements
    const Real* constants;
    int64_t constant_count;
};

// Registers are, in order: inputs, constants, results. What is one number for all elements fills its block once.
class Machine {
    const Program& program;
    alignas(64) Real blocks[REGISTERS_AT_MOST][BLOCK];
    const Real* operands[REGISTERS_AT_MOST];   // a block of these, or of an input

    void fill(int64_t r, Real value) {
        for (Real& x : blocks[r]) x = value;
    }
    bool single(int64_t r) const { return program.single >> r & 1; }
    void do_step(const Step& s, Real* to, int64_t n) {
        ::do_step(s.operation, to, operands[s.a], operands[s.b], operands[s.c], n);
    }

public:
    explicit Machine(const Program& p) : program(p) {
        for (int64_t r = 0; r < REGISTERS_AT_MOST; ++r) operands[r] = blocks[r];
        for (int64_t r = 0; r < p.count; ++r)
            if (single(r)) fill(r, *p.inputs[r]);
        for (int64_t k = 0; k < p.constant_count; ++k) fill(p.count + k, p.constants[k]);
    }

    // Elements begin ... begin + n - 1, n <= BLOCK. Returns where the output is: at `to`, if that is given and n is BLOCK.
    const Real* run(int64_t begin, int64_t n, Real* to) {
        for (int64_t r = 0; r < program.count; ++r) {
            if (single(r)) continue;
            const Real* from = program.inputs[r] + begin;
            if (n < BLOCK) memcpy(blocks[r], from, n * sizeof(Real));   // steps read whole vectors
            operands[r] = n < BLOCK ? blocks[r] : from;
        }
        const Step* last = program.steps + program.length - 1;
        for (const Step* s = program.steps; s < last; ++s) do_step(*s, blocks[s->to], n);
        Real* const y = to && n == BLOCK ? to : blocks[last->to];
        do_step(*last, y, n);
        return y;
    }
};

// Calls work(machine, piece, begin, end) for all pieces.
template <class Work>
static void in_pieces(const Program& program, int64_t n, Work work) {
    parallel(parts(n, PIECE), [&](int64_t piece) {
        Machine machine(program);
        work(machine, piece, piece * PIECE, least(n, (piece + 1) * PIECE));
    });
}

static void write_all(const Program& program, Real* y, int64_t n) {
    in_pieces(program, n, [&](Machine& machine, int64_t, int64_t begin, int64_t end) {
        for (; begin < end; begin += BLOCK) {
            const int64_t m = least(BLOCK, end - begin);
            const Real* result = machine.run(begin, m, y + begin);
            if (m < BLOCK) memcpy(y + begin, result, m * sizeof(Real));
        }
    });
}

// Of a block by lanes, of blocks and then pieces one after the other in double precision.
static double add_up(const Program& program, int64_t n) {
    std::vector<double> sums(parts(n, PIECE));
    in_pieces(program, n, [&](Machine& machine, int64_t piece, int64_t begin, int64_t end) {
        double sum = 0;
        for (; begin < end; begin += BLOCK) {
            const int64_t m = least(BLOCK, end - begin), whole = m / LANES * LANES;
            const Real* result = machine.run(begin, m, nullptr);
            Vec lanes{};
            for (int64_t i = 0; i < whole; i += LANES) lanes += load(result + i);
            for (int i = 0; i < LANES; ++i) sum += lanes[i];
            for (int64_t i = whole; i < m; ++i) sum += result[i];
        }
        sums[piece] = sum;
    });
    double sum = 0;
    for (double s : sums) sum += s;
    return sum;
}

// One step alone, on arrays in memory: y (n) from a and, if there is a second operand, b.
extern "C" void step(const Real* a, const Real* b, Real* y, int64_t n, int64_t operation) {
    parallel(parts(n, PIECE), [=](int64_t piece) {
        const int64_t begin = piece * PIECE, end = least(n, begin + PIECE), rest = end % LANES, whole = end - rest;
        do_step(operation, y + begin, a + begin, b ? b + begin : nullptr, nullptr, whole - begin);
        if (!rest) return;
        Real one[LANES] = {}, two[LANES] = {}, result[LANES];
        memcpy(one, a + whole, rest * sizeof(Real));
        if (b) memcpy(two, b + whole, rest * sizeof(Real));
        do_step(operation, result, one, two, nullptr, LANES);
        memcpy(y + whole, result, rest * sizeof(Real));
    });
}

// Inputs that are not there are null; steps are (length, 5). y has n elements, or one: their sum.
extern "C" void chain(const Real* x0, const Real* x1, const Real* x2, const Real* x3, const Real* x4, const Real* x5,
                      const Real* x6, const Real* x7, int64_t count, int64_t single, const Real* constants,
                      int64_t constant_count, const int64_t* steps, int64_t length, Real* y, int64_t n, int64_t summed) {
    const Program program{(const Step*)steps, length, {x0, x1, x2, x3, x4, x5, x6, x7}, count, single,
                          constants,          constant_count};
    if (summed) *y = Real(add_up(program, n));
    else write_all(program, y, n);
}
