/// Gathers the names that a function of Ceph's libraries calls back with.
final class RBDNames {
    private(set) var names: [String] = []

    /// What such a function calls, with the context that it was given.
    typealias Callback = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?) -> Int32

    /// - Parameter list: Calls the function with a callback and its context.
    /// - Returns: What the function returned.
    func gather(_ list: (Callback, UnsafeMutableRawPointer) -> Int32) -> Int32 {
        withExtendedLifetime(self) {
            unsafe list({ context, name in
                guard let context = unsafe context, let name = unsafe name else { return 0 }
                unsafe Unmanaged<RBDNames>.fromOpaque(context).takeUnretainedValue().names.append(String(cString: name))
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
        }
    }
}
