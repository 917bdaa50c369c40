import IR
import Operators

/// One kernel, or one node whose kernel can only be made while the model runs.
struct Step {
  enum Work {
    /// All shapes are known: made once.
    case kernel(Kernel)
    /// Shapes, or contents the kernel depends on, follow from the data.
    case deferred(any Operator)
    /// Runs the graphs the node carries.
    case controlFlow(ControlFlow)
  }

  var work: Work
  let node: Node
  let label: String
  let opset: Int64
  /// Where its inputs and outputs begin in the table of pointers.
  var arguments = 0
  /// Where its scratch memory lies in the arena.
  var scratch = 0
  /// Values made outside of the arena that no later step reads.
  var releases: [ValueID] = []
}

/// Where the elements of a value are while a program runs.
enum Place {
  /// Not computed.
  case none
  /// Known before the program runs.
  case constant(RuntimeValue)
  /// Given by the caller, by position among the program's inputs.
  case input(Int)
  /// Weights that training changes between runs.
  case variable(RuntimeValue)
  /// In the arena, in the memory of the request of this number.
  case arena(Int)
  /// In memory of its own that a run returns, by position among ``ProgramCompiler/results``.
  case result(Int)
  /// Made while the program runs, in a shape nobody knows before.
  case heap
}
