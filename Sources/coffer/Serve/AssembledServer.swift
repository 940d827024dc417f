import CofferClient
import CofferCompute
import CofferCore
import CofferDiskControl
import CofferHTTP
import CofferModel
import CofferMonitor
import CofferPlatform
import CofferVault
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// An installation that is ready to run.
struct AssembledServer {
    let card: InstallationCard
    let directory: DataDirectory
    let listen: HTTPServer.Listen
    let door: FrontDoor
    let supervisors: [DiskHostSupervisor]
    let watch: KeyWatch
    let machineKeeper: MachineKeeper
    let balancerKeeper: BalancerKeeper
    let keeper: VaultKeeper
    let signing: HeadSigning
    let diskHost: any DiskHost
    /// Has the disk host serve disks over TLS as this installation does.
    let serveSecurely: @Sendable () async throws -> Void
    let clock: any WallClock
    let logger: Logger

    /// Serves until SIGTERM or SIGINT; then requests in flight finish, all disks are synced, and a disk host without open
    /// disks is ended.
    func run() async throws {
        for supervisor in supervisors { _ = try await supervisor.ensure() }
        do {
            try await serveSecurely()
        } catch let failure as DiskFailure {
            throw StartFailure.configuration("disks cannot be served over TLS: \(failure.message)")
        }
        let http = HTTPServer(listen: listen, handler: door, clock: clock, logger: logger) { [card, directory] _ in
            FileHandle.standardOutput.write(Data("ready \(card.authority) data \(directory.path)\n".utf8))
        }
        // They end in the opposite order: the audit log's last heads are signed when nothing is recorded any more.
        let group = ServiceGroup(configuration: .init(
            services: [HeadSigningService(signing: signing)] + supervisors + [
                KeyWatchService(watch: watch), VaultKeeperService(keeper: keeper), MachineKeeperService(keeper: machineKeeper),
                BalancerKeeperService(keeper: balancerKeeper), http,
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        ))
        try await group.run()
        await leaveDisks()
    }

    private func leaveDisks() async {
        do {
            _ = try await diskHost.perform(.sync)
            _ = try await diskHost.perform(.quitIfIdle)
            logger.info("disks are synced; coffer-diskd had none open and has ended")
        } catch let failure as DiskFailure where failure.code == .busy {
            logger.info("disks are synced; coffer-diskd goes on serving those that are attached", metadata: ["reason": "\(failure.message)"])
        } catch {
            logger.error("disks could not be synced", metadata: ["error": "\(error)"])
        }
    }
}

/// Runs the watch over keys until graceful shutdown.
private struct KeyWatchService: Service {
    let watch: KeyWatch

    func run() async throws {
        await cancelWhenGracefulShutdown { await watch.run() }
    }
}

/// Lets vaults do what falls due by itself until graceful shutdown.
private struct VaultKeeperService: Service {
    let keeper: VaultKeeper

    func run() async throws {
        await cancelWhenGracefulShutdown { await keeper.run(every: .seconds(2)) }
    }
}

/// Looks after virtual machines until graceful shutdown; those that run go on.
private struct MachineKeeperService: Service {
    let keeper: MachineKeeper

    func run() async throws {
        await cancelWhenGracefulShutdown { await keeper.run(every: .seconds(2)) }
    }
}

/// Serves load balancers' ports until graceful shutdown.
private struct BalancerKeeperService: Service {
    let keeper: BalancerKeeper

    func run() async throws {
        await cancelWhenGracefulShutdown { await keeper.run(every: .seconds(2)) }
    }
}

/// Signs the heads of the audit log's chains until graceful shutdown, and then once more.
private struct HeadSigningService: Service {
    let signing: HeadSigning

    func run() async throws {
        await cancelWhenGracefulShutdown { await signing.run() }
    }
}
