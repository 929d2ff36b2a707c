# SPDX-License-Identifier: Apache-2.0
#
# A room is a folder, a namespace, a library sparkfit_<room>; a new one is one line in
# CMakeLists.txt.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(SPARKFIT_CCACHE ccache)
if(SPARKFIT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SPARKFIT_CCACHE}")
endif()

function(sparkfit_warnings target)
  # Ours are errors; third-party headers are imported targets and so SYSTEM.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 reports a string concatenation as overlapping (GCC bug 105651).
    target_compile_options(${target} PRIVATE -Wno-restrict)
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
      # What a sanitizer adds hides from GCC that a boost::optional was set (GCC bug 80635).
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
  endif()
endfunction()

# sparkfit_room(NAME [DEPS ROOM...] [LIBS TARGET...])
function(sparkfit_room name)
  cmake_parse_arguments(ROOM "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.cc")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  add_library(sparkfit_${name} STATIC ${sources})
  target_include_directories(sparkfit_${name} PUBLIC "${CMAKE_SOURCE_DIR}/include")
  list(TRANSFORM ROOM_DEPS PREPEND sparkfit_)
  target_link_libraries(sparkfit_${name} PUBLIC ${ROOM_DEPS} ${ROOM_LIBS})
  sparkfit_warnings(sparkfit_${name})
endfunction()

# sparkfit_embed(ROOM HEADER NAMESPACE NAME=FILE...): text files as std::string_views of that room;
# HEADER, a private one of it, declares them.
function(sparkfit_embed room header namespace)
  set(generated "${CMAKE_BINARY_DIR}/generated/${room}_text.cc")
  list(TRANSFORM ARGN REPLACE "^[^=]+=" "" OUTPUT_VARIABLE files)
  add_custom_command(OUTPUT "${generated}"
    COMMAND "${CMAKE_COMMAND}" "-DOUT=${generated}" "-DHEADER=${header}" "-DNAMESPACE=${namespace}"
            -P "${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake" ${ARGN}
    DEPENDS ${files} "${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake"
    WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}" VERBATIM)
  target_sources(sparkfit_${room} PRIVATE "${generated}")
  target_include_directories(sparkfit_${room} PRIVATE "${CMAKE_SOURCE_DIR}/src/${room}")
endfunction()

# The version has one source, project(VERSION); the commit is read when configuring, or given where no git is.
set(SPARKFIT_COMMIT "unknown" CACHE STRING "the commit, if this is no git checkout")
function(sparkfit_version_header room)
  set(SPARKFIT_GIT_DESCRIBE "${SPARKFIT_COMMIT}")
  find_package(Git QUIET)
  if(GIT_FOUND)
    execute_process(COMMAND "${GIT_EXECUTABLE}" describe --always --dirty
                    WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
                    OUTPUT_VARIABLE described RESULT_VARIABLE failed
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT failed)
      set(SPARKFIT_GIT_DESCRIBE "${described}")
    endif()
  endif()
  configure_file("${CMAKE_SOURCE_DIR}/cmake/version.h.in"
                 "${CMAKE_BINARY_DIR}/generated/sparkfit/base/version.h" @ONLY)
  target_include_directories(sparkfit_${room} PUBLIC "${CMAKE_BINARY_DIR}/generated")
endfunction()
