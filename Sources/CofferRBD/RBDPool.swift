import CRBD
package import CofferModel
import Glibc

/// A connection to a pool of a Ceph cluster, or to a namespace of one.
@safe
package final class RBDPool: @unchecked Sendable {
    // SAFETY: the handles are set once, and librados and librbd are made to be called from many threads.
    let name: RBDPoolName
    let io: UnsafeMutableRawPointer
    private let cluster: UnsafeMutableRawPointer

    /// How a cluster is reached.
    package struct Access: Sendable {
        /// The path of the cluster's ceph.conf.
        package let conf: String
        /// The Ceph user, such as `coffer` or `client.coffer`; nil for the administrator.
        package let user: String?

        package init(conf: String, user: String?) {
            self.conf = conf
            self.user = user
        }

        fileprivate var client: String { user.map { $0.contains(".") ? $0 : "client.\($0)" } ?? "client.admin" }
    }

    /// How long Ceph may take, in seconds, where the conf does not say: to connect, to answer of its monitors, and to answer of where data
    /// is. Without them calls wait for ever.
    private static let patience = [("client_mount_timeout", 300.0, "8"), ("rados_mon_op_timeout", 0, "15"), ("rados_osd_op_timeout", 0, "30")]
    /// What is written is stable when its call returns, nothing is kept in memory, and this process's output is its own.
    private static let settings = [("rbd_cache", "false"), ("log_to_stderr", "false"), ("err_to_stderr", "false"), ("admin_socket", "")]

    /// Connects.
    ///
    /// - Throws: ``RBDFailure`` with a sentence that says what is wrong and what to do.
    package init(_ name: RBDPoolName, _ access: Access) throws(RBDFailure) {
        self.name = name
        var reason = [CChar](repeating: 0, count: 400)
        guard unsafe coffer_rbd_load(&reason, reason.count) == 0 else {
            throw RBDFailure(ELIBACC, "Ceph's libraries cannot be loaded (\(Self.text(reason))): install Debian's librbd1")
        }
        var (cluster, io): (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?)
        let created = unsafe coffer_rados_create(&cluster, access.client, access.conf)
        guard created == 0, let cluster = unsafe cluster else {
            throw RBDFailure(
                -created, "the configuration \(access.conf) cannot be read (\(RBDFailure(-created).words)): name the cluster's ceph.conf with --ceph-conf")
        }
        unsafe self.cluster = cluster
        do throws(RBDFailure) {
            try unsafe Self.configure(cluster)
            let connected = unsafe coffer_rados_connect(cluster)
            guard connected == 0 else { throw Self.connecting(-connected, access) }
            let opened = unsafe coffer_rados_open_pool(cluster, name.pool, &io)
            guard opened == 0, let found = unsafe io else {
                throw RBDFailure(-opened, -opened == ENOENT ? "there is no pool \(name.pool): make it with `ceph osd pool create \(name.pool)` and `rbd pool init \(name.pool)`" : nil)
            }
            if !name.nameSpace.isEmpty {
                let exists = unsafe coffer_rbd_has_namespace(found, name.nameSpace)
                try RBDFailure.check(exists)
                guard exists == 1 else {
                    throw RBDFailure(ENOENT, "the pool has no namespace \(name.nameSpace): make it with `rbd namespace create \(name.pool)/\(name.nameSpace)`")
                }
                unsafe coffer_rados_enter(found, name.nameSpace)
            }
            unsafe self.io = found
        } catch {
            if let io = unsafe io { unsafe coffer_rados_close_pool(io) }
            unsafe coffer_rados_shutdown(cluster)
            throw error
        }
    }

    deinit {
        unsafe coffer_rados_close_pool(io)
        unsafe coffer_rados_shutdown(cluster)
    }

    /// The address that the cluster knows this process by.
    func address() throws(RBDFailure) -> String {
        var address = [CChar](repeating: 0, count: 256)
        try RBDFailure.check(unsafe coffer_rados_address(cluster, &address, address.count))
        return Self.text(address)
    }

    /// Has the cluster refuse whatever still comes from an address.
    func fence(_ address: String) throws(RBDFailure) {
        try RBDFailure.check(unsafe coffer_rados_fence(cluster, address))
    }

    static func text(_ bytes: [CChar]) -> String { String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) }

    private static func configure(_ cluster: UnsafeMutableRawPointer) throws(RBDFailure) {
        for (option, usual, seconds) in patience {
            var value = [CChar](repeating: 0, count: 64)
            try RBDFailure.check(unsafe coffer_rados_setting(cluster, option, &value, value.count))
            guard Double(text(value)) == usual else { continue }
            try RBDFailure.check(unsafe coffer_rados_set(cluster, option, seconds))
        }
        for (option, value) in settings { try RBDFailure.check(unsafe coffer_rados_set(cluster, option, value)) }
    }

    private static func connecting(_ code: Int32, _ access: Access) -> RBDFailure {
        let words = switch code {
        case ETIMEDOUT: "the monitors that \(access.conf) names did not answer in time: look whether they run and can be reached (`ceph status`)"
        case ENOENT: "no key of \(access.client) was found: name its keyring in \(access.conf)"
        case EPERM, EACCES: "the cluster refuses \(access.client): look at its keyring, and at --ceph-user"
        default: "the cluster of \(access.conf) cannot be reached (\(RBDFailure(code).words))"
        }
        return RBDFailure(code, words)
    }
}
