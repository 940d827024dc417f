import CofferCore
import CofferModel
package import CofferPlatform
import FoundationEssentials
import Glibc

/// Runs virtual machines as QEMU processes of this user.
package struct QEMUHost: MachineHost {
    private let root: String
    private let acceleration: MachineAcceleration
    private let relay: GuestRelay
    private let taps: TapNetworks
    /// Whether machines are started with taps, or with networks of QEMU's own. Those that run go on with what they have.
    private let startsWithTaps: Bool
    private let report: @Sendable (String) -> Void
    /// Where the blocking calls are made. Scripts in guests may take long, and have threads of their own.
    private let pool = WorkerPool(name: "qemu", threads: 4)
    private let agents = WorkerPool(name: "guest-agent", threads: 8)
    private let probes = WorkerPool(name: "guest-probe", threads: 4)
    /// Of this process, whichever host started them.
    static let children = ChildProcesses()

    /// How long QEMU may take until it answers.
    private static let startLimit = Duration.seconds(30)
    /// How long a script may run in a guest.
    private static let scriptLimit = Duration.seconds(600)

    /// - Parameters:
    ///   - root: The directory of all machines' directories, `DATA/run/vm`.
    ///   - relay: Carries a guest's connections to sockets of this host.
    ///   - taps: The networks of machines that have taps.
    ///   - startsWithTaps: Whether machines are started with taps, or with networks of QEMU's own.
    ///   - report: Takes lines for the log.
    package init(
        root: String, acceleration: MachineAcceleration, relay: GuestRelay, taps: TapNetworks, startsWithTaps: Bool,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.root = root
        self.acceleration = acceleration
        self.relay = relay
        self.taps = taps
        self.startsWithTaps = startsWithTaps
        self.report = report
    }

    package func isRunning(_ machine: MachineID) async -> Bool {
        let files = MachineFiles(machine, in: root)
        return (try? await pool.run {
            Self.children.reap()
            return files.process != nil
        }) ?? false
    }

    package func acceleration(of machine: MachineID) async -> MachineAcceleration? {
        let files = MachineFiles(machine, in: root)
        return (try? await pool.run { () -> MachineAcceleration? in
            Self.children.reap()
            guard let process = files.process else { return nil }
            guard let kind = MachineFiles.accelerator(of: process), kind != acceleration.kind else { return acceleration }
            return MachineAcceleration(kind, reason: "so it was started; anew it would be otherwise, as \(acceleration.reason)")
        }) ?? nil
    }

    package func start(_ plan: MachinePlan) async throws {
        let files = MachineFiles(plan.id, in: root)
        do {
            try await pool.run { try startNow(plan) }
            try await taps.follow(plan.interfaces, of: files)
        } catch {
            if files.process == nil { await taps.close(files) }
            throw error
        }
    }

    package func follows(_ machine: MachineID) async -> Bool { !MachineFiles(machine, in: root).taps.isEmpty }

    package func follow(_ interfaces: [NetworkInterfacePlan], of machine: MachineID) async throws {
        try await taps.follow(interfaces, of: MachineFiles(machine, in: root))
    }

    package func perform(_ command: MachineCommand, on machine: MachineID) async throws {
        let files = MachineFiles(machine, in: root)
        switch command {
        case .stop:
            try await performNow(command, files)
            if files.process == nil { await taps.close(files) }
        case .forget:
            if files.process == nil { await taps.close(files) }
            try await performNow(command, files)
        case .plug, .unplug: try await performNow(command, files)
        }
    }

    private func performNow(_ command: MachineCommand, _ files: MachineFiles) async throws {
        try await pool.run {
            if case .forget = command {
                if files.process == nil { files.remove() }
                return
            }
            guard files.process != nil else {
                if case .stop = command { return }
                throw MachineFailure(.notRunning, "the machine does not run")
            }
            try answering(files) {
                switch command {
                case .stop(let grace): stopNow(files, grace)
                case .plug(let disk): try plug(disk, files)
                case .unplug(let name): try unplug(name, files)
                case .forget: break
                }
            }
        }
    }

    /// Runs `body`, which speaks to the QEMU of a machine.
    ///
    /// - Throws: ``MachineFailure`` also if it does not answer.
    private func answering<R>(_ files: MachineFiles, _ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch is LineSocket.Failure {
            throw MachineFailure(.system, "QEMU does not answer: \(files.complaint)")
        }
    }

    package func run(_ script: String, in machine: MachineID) async throws -> GuestOutput {
        let files = MachineFiles(machine, in: root)
        return try await agents.run {
            guard files.process != nil else { throw MachineFailure(.notRunning, "the machine does not run") }
            do {
                return try GuestAgent(path: files.agentSocket, patience: .seconds(90)).run(script, within: Self.scriptLimit)
            } catch is LineSocket.Failure {
                throw MachineFailure(.guestUnavailable, "the guest agent answered no more")
            }
        }
    }

    package func consoleLog(of machine: MachineID) async -> [UInt8] {
        let files = MachineFiles(machine, in: root)
        return (try? await pool.run {
            if files.process != nil { drainConsole(files) }
            return ConsoleLog(path: files.console).read()
        }) ?? []
    }

    package func reach(
        _ ports: Set<GuestPort>, probing probed: Set<GuestPort>, of machine: MachineID
    ) async throws -> [GuestPort: HostEndpoint] {
        let files = MachineFiles(machine, in: root)
        return try await pool.run {
            guard files.process != nil else { throw MachineFailure(.notRunning, "the machine does not run") }
            guard files.taps.isEmpty else {
                return Dictionary(ports.compactMap { port in files.endpoint(of: port).map { (port, $0) } }) { first, _ in first }
            }
            return try answering(files) { try GuestPortForwards(controlSocket: files.controlSocket).set(ports, probing: probed) }
        }
    }

    package func answers(at port: GuestPort, of machine: MachineID, within limit: Duration) async -> Bool {
        let files = MachineFiles(machine, in: root)
        let end = ContinuousClock.now + limit
        return (try? await probes.run {
            guard files.process != nil else { return false }
            guard files.taps.isEmpty else { return files.endpoint(of: port).map { GuestConnection(to: $0, within: end - .now).isOpen } ?? false }
            return try GuestPortForwards(controlSocket: files.controlSocket).answers(at: port, until: end)
        }) ?? false
    }

    private func startNow(_ plan: MachinePlan) throws {
        let files = MachineFiles(plan.id, in: root)
        guard files.process == nil else { return }
        guard Self.isInstalled(QEMUArguments.program) else {
            throw MachineFailure(.notInstalled, "\(QEMUArguments.program) is not installed on this host: apt-get install qemu-system-x86 ovmf")
        }
        for disk in plan.disks { try checkSocket(of: disk) }
        try files.prepare()
        let opened = try taps.open(startsWithTaps ? plan.interfaces : [], of: files)
        defer { for file in opened { close(file) } }
        let process: pid_t
        do {
            process = try DetachedProcess.start(
                QEMUArguments.words(plan, accelerator: acceleration.kind, relay: relay, cards: cards(plan, opened)), in: files.directory, log: files.log,
                files: opened)
        } catch {
            throw MachineFailure(.system, "cannot \(error.what): \(unsafe String(cString: strerror(error.code)))")
        }
        Self.children.add(process)
        let end = ContinuousClock.now + Self.startLimit
        while ContinuousClock.now < end {
            if let status = try? MachineMonitor(path: files.controlSocket, timeout: .seconds(5)).execute("query-status"), files.process != nil {
                if status["running"]?.bool == true { return }
            }
            if Self.children.hasEnded(process) {
                throw MachineFailure(.system, "QEMU ended as it started: \(files.complaint)")
            }
            usleep(20_000)
        }
        _ = kill(process, SIGKILL)
        throw MachineFailure(.system, "QEMU did not answer within \(Self.startLimit.components.seconds) seconds: \(files.complaint)")
    }

    private func cards(_ plan: MachinePlan, _ opened: [Int32]) -> [QEMUArguments.Card] {
        guard !startsWithTaps else { return ProgramStart.numbers(of: opened).map { .tap($0) } }
        return plan.interfaces.map { interface in
            let (ports, remarks) = PortForward.plan(interface)
            for remark in remarks { report("machine \(plan.name): \(remark)") }
            return .user(ports)
        }
    }

    /// Whether a program is in the PATH.
    static func isInstalled(_ program: String) -> Bool {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        return path.split(separator: ":").contains { unsafe access("\($0)/\(program)", X_OK) == 0 }
    }

    /// Has a machine end, by its own means if it does so in time.
    private func stopNow(_ files: MachineFiles, _ grace: Duration) {
        guard let process = files.process else { return }
        defer { Self.children.awaitEnd(of: process) }
        drainConsole(files)
        let end = ContinuousClock.now + grace
        var nextAsk = ContinuousClock.now
        while files.process != nil, ContinuousClock.now < end {
            if nextAsk <= ContinuousClock.now {
                // A guest that is still starting does not hear it: it is asked again.
                _ = try? MachineMonitor(path: files.controlSocket).execute("system_powerdown")
                nextAsk = ContinuousClock.now + .seconds(5)
            }
            usleep(100_000)
        }
        guard files.process != nil else { return }
        drainConsole(files)
        _ = try? MachineMonitor(path: files.controlSocket).execute("quit")
        for round in 0..<100 {
            guard let process = files.process else { return }
            if round == 50 { _ = kill(process, SIGKILL) }
            usleep(100_000)
        }
    }

    private func plug(_ disk: MachineDisk, _ files: MachineFiles) throws {
        try checkSocket(of: disk)
        let monitor = try MachineMonitor(path: files.controlSocket)
        guard let path = disk.export.vhostPath else { throw MachineFailure(.system, "the disk's host offers no vhost-user socket") }
        let channel = QEMUArguments.channel(of: disk.name)
        // One of a disk that went before, of which nobody saw the end.
        try removeChannel(channel, monitor)
        let address: JSONValue = ["type": "unix", "data": ["path": .string(path)]]
        try monitor.execute(
            "chardev-add",
            ["id": .string(channel), "backend": ["type": "socket", "data": ["addr": address, "server": false, "reconnect": 1]]])
        do {
            try monitor.execute(
                "device_add",
                ["driver": "vhost-user-blk-pci", "id": .string(QEMUArguments.device(of: disk.name)), "chardev": .string(channel)])
        } catch {
            _ = try? monitor.execute("chardev-remove", ["id": .string(channel)])
            throw error
        }
    }

    /// Where nobody listens, QEMU would wait and answer nothing meanwhile.
    private func checkSocket(of disk: MachineDisk) throws {
        let path = disk.export.vhostPath ?? disk.export.socketPath
        guard unsafe access(path, F_OK) == 0 else {
            throw MachineFailure(.system, "the disk host offers no socket at \(path): \(unsafe String(cString: strerror(errno)))")
        }
    }

    private func unplug(_ name: String, _ files: MachineFiles) throws {
        let monitor = try MachineMonitor(path: files.controlSocket)
        let device = QEMUArguments.device(of: name)
        try monitor.execute("device_del", ["id": .string(device)])
        do {
            try monitor.awaitRemoval(of: device, within: .seconds(30))
        } catch LineSocket.Failure.timeout {
            throw MachineFailure(.system, "the guest does not let go of the disk; it may not have started yet. Try again, or stop the machine")
        }
        // On the same connection: QEMU listens to one at a time.
        try removeChannel(QEMUArguments.channel(of: name), monitor)
    }

    /// Removes a disk's channel if there is one. QEMU tells of a device's end a little before it has let go of the channel.
    private func removeChannel(_ channel: String, _ monitor: MachineMonitor) throws {
        let end = ContinuousClock.now + .seconds(5)
        while try monitor.execute("query-chardev").array?.contains(where: { $0["label"]?.string == channel }) == true {
            do {
                try monitor.execute("chardev-remove", ["id": .string(channel)])
            } catch let failure as MachineFailure {
                guard ContinuousClock.now < end else { throw failure }
                usleep(20_000)
            }
        }
    }

    /// Takes over what the guest wrote since the last time.
    private func drainConsole(_ files: MachineFiles) {
        guard let monitor = try? MachineMonitor(path: files.controlSocket, timeout: .seconds(5)),
            let text = try? monitor.execute(
                "ringbuf-read", ["device": "console", "size": .int(Int64(QEMUArguments.consoleByteCount)), "format": "base64"]).string,
            let data = Data(base64Encoded: text)
        else { return }
        ConsoleLog(path: files.console).append(Array(data))
    }
}
