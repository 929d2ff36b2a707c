// SPDX-License-Identifier: Apache-2.0
//
// One executor's heap without Spark: keeps LIVE MiB, allocates VOLUME MiB beside it of which one part in twenty
// replaces what is kept, and prints what that took. usage: java -Xms…m -Xmx…m Probe.java LIVE VOLUME
import java.lang.management.*;
import java.nio.file.*;

public class Probe {
  static final int CHUNK = 16 << 10;

  public static void main(String[] args) throws Exception {
    int live = Integer.parseInt(args[0]), volume = Integer.parseInt(args[1]);
    long begun = System.nanoTime(), base = cpu();
    byte[][] kept = new byte[live * (1 << 20) / CHUNK][];
    byte[][] passing = new byte[512][];  // 8 MiB in flight
    String end = "ok";
    try {
      for (int i = 0; i < kept.length; i++) kept[i] = new byte[CHUNK];
      long chunks = (long) volume * (1 << 20) / CHUNK, random = 12345;
      for (long i = 0; i < chunks; i++) {
        byte[] made = new byte[CHUNK];
        made[(int) (i % CHUNK)] = 1;
        if (i % 20 == 0) {
          random = random * 6364136223846793005L + 1442695040888963407L;
          kept[(int) ((random >>> 33) % kept.length)] = made;
        } else {
          passing[(int) (i % passing.length)] = made;
        }
      }
    } catch (OutOfMemoryError e) {
      kept = null;
      passing = null;
      end = "oom";
    }
    long time = 0, count = 0;
    for (var collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      time += collector.getCollectionTime();
      count += collector.getCollectionCount();
    }
    long peak = 0;
    for (String line : Files.readAllLines(Path.of("/proc/self/status")))
      if (line.startsWith("VmHWM")) peak = Long.parseLong(line.replaceAll("[^0-9]", "")) >> 10;
    System.out.printf("%s rss %d MiB, collections %d in %d ms, wall %d ms, cpu %d ms%n", end, peak, count, time,
        (System.nanoTime() - begun) / 1_000_000, (cpu() - base) / 1_000_000);
  }

  static long cpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }
}
