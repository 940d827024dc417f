import CofferClient
import CofferDiskControl
import CofferModel
import CofferPlatform
import Logging

/// The processes that have this installation's disks, one or two, and what speaks to them as one.
struct DiskRoles {
    let apart: Bool
    let store: DiskStoreOptions
    let storageLink: String?
    let cipher: String
    /// `coffer-diskd`.
    let program: String
    let directory: DataDirectory

    /// Of the only one, or of the storage service.
    private var first: DiskHostClient { DiskHostClient(path: directory.runPath + "/diskd.sock") }
    /// Of the host of virtual machines, where it is another.
    private var second: DiskHostClient { DiskHostClient(path: directory.runPath + "/hostd.sock") }

    var diskHost: any DiskHost { apart ? SplitDiskHost(storage: first, host: second) : first }

    /// What looks after the processes.
    ///
    /// - Parameter onChange: Called after one was found or started whose disks are not known to be open.
    /// - Throws: ``StartFailure`` if a process that there should not be serves disks.
    func supervisors(_ logger: Logger, onChange: @escaping @Sendable () async throws -> Void) async throws -> [DiskHostSupervisor] {
        func supervisor(_ role: DiskHostRole, _ host: DiskHostClient, log: String, link: String? = nil) -> DiskHostSupervisor {
            DiskHostSupervisor(
                program: program, cipher: cipher, role: role, store: role == .host ? nil : store, storageLink: link, dataPath: directory.path, logPath: "\(directory.runPath)/\(log).log",
                host: host, logger: logger, onHostChange: onChange)
        }
        if apart { return [supervisor(.storage, first, log: "diskd"), supervisor(.host, second, log: "hostd", link: storageLink)] }
        if (try? await second.perform(.hello(version: DiskControlVersion.current))) != nil {
            throw StartFailure.busy(
                "a coffer-diskd of the role host serves disks of this data directory: start with --disk-roles apart, detach all disks, and stop.")
        }
        return [supervisor(.both, first, log: "diskd")]
    }
}

extension DiskHostClient: DiskHost {}
extension SplitDiskHost: DiskHost {}
