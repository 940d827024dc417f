import sys; sys.path.insert(0,'/work/main/Tests/Journeys')
import az_vm_journey as j
from az_vm_journey import *
def set_up(stage): j.set_up(stage)
def test_boot(stage):
    j.test_a_machine_is_made_of_an_image_with_encrypted_disks(stage)
    j.test_its_administrator_signs_in_at_its_public_address(stage)
def test_cycle(stage):
    for n in range(4):
        r=stage.az(f"vm disk attach -g {GROUP} --vm-name {NAME} -n extra{n} --new --size-gb 3 --debug", ok=None)
        print("ATTACH",n,r.status,[l for l in r.errors.splitlines() if 'Internal' in l or 'rror' in l][:12],flush=True)
        print(run_in_guest(stage,"lsblk -dno NAME,SIZE; dmesg | tail -n 5"),flush=True)
        if n%2==1: run_in_guest(stage,"mkfs.ext4 -q -L tools $(lsblk -dnpo NAME,SIZE | awk '$2==\"3G\"{print $1}'); mount -o ro LABEL=tools /mnt; umount /mnt")
        t=time.monotonic()
        r=stage.az(f"vm disk detach -g {GROUP} --vm-name {NAME} -n extra{n}", ok=None)
        print("DETACH",n,r.status,r.errors[-300:],time.monotonic()-t,flush=True)
    raise Exception("end")
