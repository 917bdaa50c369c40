import Kernels
import Runtime

extension ChannelMoments? {
  /// Adds what was observed of a value, the channels of which lie along an axis. Values without numbers or such an axis
  /// are passed over, as are those that suddenly have another number of channels.
  mutating func add(_ found: Observation, axis: Int, workers: Workers) {
    guard found.shape.indices.contains(axis), !found.floats.isEmpty else { return }
    let channels = found.shape[axis]
    var sums = self ?? ChannelMoments(channels: channels)
    guard sums.channels == channels else { return }
    // A copy would be made of what two hold.
    self = nil
    sums.add(
      found.floats, outer: found.shape[..<axis].reduce(1, *), inner: found.shape[(axis + 1)...].reduce(1, *),
      workers: workers)
    self = sums
  }
}
