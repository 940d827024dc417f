import CLinux

/// The end of the process: asked for by a signal or by a command.
enum Shutdown {
    /// Makes signals wait for ``wait()``; called before the first thread is made.
    static func prepare() { coffer_prepare_signals() }

    /// Lets ``wait()`` return.
    static func request() { coffer_request_stop() }

    /// Waits until the process is asked to end.
    ///
    /// - Returns: The signal's number.
    static func wait() -> Int32 { coffer_wait_for_stop() }
}
