/// The sizes of a convolution over up to three spatial axes, those it lacks counting one.
///
/// Position `o` of the output reads positions `o · stride + k · dilation − padding` of the input.
public struct ConvolutionGeometry: Sendable, Equatable {
  /// A number for each spatial axis.
  public struct Extent: Sendable, Equatable {
    public var depth: Int
    public var height: Int
    public var width: Int

    /// - Parameter numbers: up to three; missing ones, in front, become `filler`.
    public init(_ numbers: [Int], filler: Int = 1) {
      let all = [Int](repeating: filler, count: max(0, 3 - numbers.count)) + numbers.suffix(3)
      (depth, height, width) = (all[0], all[1], all[2])
    }

    public var count: Int { depth * height * width }
  }

  public var batch: Int
  public var groups: Int
  public var inputChannels: Int
  public var outputChannels: Int
  public var input: Extent
  public var kernel: Extent
  public var output: Extent
  public var strides: Extent
  public var dilations: Extent
  /// Positions before the input's first along each axis; negative ones cut it. What lies behind the last follows from
  /// the sizes.
  public var padding: Extent

  public init(
    batch: Int, groups: Int, inputChannels: Int, outputChannels: Int, input: [Int], kernel: [Int], output: [Int],
    strides: [Int], dilations: [Int], padding: [Int]
  ) {
    self.batch = batch
    self.groups = groups
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.input = Extent(input)
    self.kernel = Extent(kernel)
    self.output = Extent(output)
    self.strides = Extent(strides)
    self.dilations = Extent(dilations)
    self.padding = Extent(padding, filler: 0)
  }

  var inputChannelsInGroup: Int { inputChannels / groups }
  var outputChannelsInGroup: Int { outputChannels / groups }
  /// Products that make one element of the output.
  var inner: Int { inputChannelsInGroup * kernel.count }
  var inputCount: Int { batch * inputChannels * input.count }
  var outputCount: Int { batch * outputChannels * output.count }
  var weightCount: Int { outputChannels * inner }

  /// Whether the input itself is the matrix of columns.
  var isPointwise: Bool {
    kernel.count == 1 && strides.count == 1 && padding == Extent([0, 0, 0]) && input == output
  }

  /// Whether every channel has a filter of its own, along two axes at most.
  public var isDepthwise: Bool {
    inputChannels == groups && outputChannels == groups && groups > 1 && kernel.depth == 1 && input.depth == 1
      && output.depth == 1 && padding.depth == 0 && strides.depth == 1
  }

  /// The convolution of the output's gradient with reversed kernels that makes the input's gradient; `nil` where strides
  /// leave gaps in it.
  var reversed: ConvolutionGeometry? {
    guard strides.count == 1 else { return nil }
    var result = self
    (result.inputChannels, result.outputChannels) = (outputChannels, inputChannels)
    (result.input, result.output) = (output, input)
    result.padding.depth = (kernel.depth - 1) * dilations.depth - padding.depth
    result.padding.height = (kernel.height - 1) * dilations.height - padding.height
    result.padding.width = (kernel.width - 1) * dilations.width - padding.width
    return result
  }

  /// Positions of the output along an axis that read inside the input at a kernel position.
  static func valid(
    size: Int, output: Int, stride: Int, offset: Int
  ) -> Range<Int> {
    let low = offset >= 0 ? 0 : (stride - 1 - offset) / stride
    let last = size - 1 - offset
    let high = last < 0 ? 0 : last / stride + 1
    let start = min(low, output)
    return start..<max(start, min(high, output))
  }
}
