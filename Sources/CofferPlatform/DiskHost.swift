package import CofferModel

/// The disk data plane of a host. Answered by CofferDiskControl over its socket to `coffer-diskd`.
package protocol DiskHost: Sendable {
    /// - Throws: ``DiskFailure`` if the host refuses, or cannot be reached.
    func perform(_ command: DiskCommand) async throws -> DiskReply
}
