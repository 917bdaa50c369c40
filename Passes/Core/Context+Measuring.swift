import Calibration

extension Context {
  /// Shows how far measuring is, and stops it where the pipeline is cancelled.
  var measuringProgress: Measuring.Progress {
    { work, done, all in
      progress(work, done, of: all)
      try cancellation.check()
    }
  }
}
