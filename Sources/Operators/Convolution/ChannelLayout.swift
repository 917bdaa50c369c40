/// Where the channels of an image stand: second, or last as the runtime's layout optimizer puts them.
enum ChannelLayout {
  case second
  case last

  /// The axes in the order `[batch, channels, positions…]`.
  func channelsSecond<Element>(_ axes: [Element]) -> [Element] {
    guard self == .last, axes.count > 2, let channels = axes.last else { return axes }
    return [axes[0], channels] + axes[1..<(axes.count - 1)]
  }

  /// The axes in this layout's order.
  func arranged<Element>(_ axes: [Element]) -> [Element] {
    guard self == .last, axes.count > 2 else { return axes }
    return [axes[0]] + axes[2...] + [axes[1]]
  }
}
