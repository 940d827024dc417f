import ArgumentParser
import CofferClient
import CofferModel
import Foundation

/// Where `coffer serve` has its disks kept.
struct DiskStoreOptions: ParsableArguments {
    @Option(help: "Keep the disks as RBD images in a pool of a Ceph cluster: rbd:POOL or rbd:POOL/NAMESPACE. As files of the data directory, if left out.")
    var diskStore: String?

    @Option(help: "The ceph.conf of the cluster.")
    var cephConf: String?

    @Option(help: "The Ceph user, whose keyring the conf names. client.admin if left out.")
    var cephUser: String?

    func validate() throws {
        guard let diskStore else {
            guard cephConf == nil, cephUser == nil else { throw ValidationError("--ceph-conf and --ceph-user are for --disk-store") }
            return
        }
        guard RBDPoolName(diskStore) != nil else { throw ValidationError("--disk-store is rbd:POOL or rbd:POOL/NAMESPACE") }
        guard let cephConf else { throw ValidationError("--disk-store \(diskStore) needs the cluster's --ceph-conf") }
        guard FileManager.default.isReadableFile(atPath: cephConf) else { throw ValidationError("--ceph-conf: there is no file \(cephConf) that can be read") }
    }

    func location(in directory: DataDirectory) -> DiskStoreLocation {
        diskStore.flatMap { RBDPoolName($0) }.map { .pool($0) } ?? .files(directory.disksPath)
    }

    /// For `coffer-diskd`, which works in another directory.
    var words: [String] {
        guard let diskStore, let cephConf else { return [] }
        return ["--disk-store", diskStore, "--ceph-conf", URL(fileURLWithPath: cephConf).path] + (cephUser.map { ["--ceph-user", $0] } ?? [])
    }
}
