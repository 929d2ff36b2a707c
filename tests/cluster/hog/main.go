// SPDX-License-Identifier: Apache-2.0

// hog uses memory: hog MIB [SECONDS] touches that many MiB, 10 MiB every 20 ms, holds them and exits.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const step = 10 << 20

func number(i, fallback int) int {
	if len(os.Args) <= i {
		return fallback
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		fmt.Fprintln(os.Stderr, "usage: hog MIB [SECONDS]")
		os.Exit(2)
	}
	return n
}

func main() {
	mib, seconds := number(1, 64), number(2, 0)
	var held [][]byte
	for used := 0; used < mib<<20; used += step {
		block := make([]byte, step)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		held = append(held, block)
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	fmt.Println("held", len(held))
}
