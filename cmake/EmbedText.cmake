# SPDX-License-Identifier: Apache-2.0
#
# cmake -DOUT=FILE.cc -DHEADER=h -DNAMESPACE=a::b -P EmbedText.cmake NAME=FILE...
# Writes a source with one std::string_view for each text file. A text becomes one raw string
# literal; compilers take up to 64 KiB in one.
set(text "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if("${CMAKE_ARGV${i}}" MATCHES "^(k[A-Za-z]+)=(.+)$")
    set(name "${CMAKE_MATCH_1}")
    file(READ "${CMAKE_MATCH_2}" content)
    string(LENGTH "${content}" length)
    if(length GREATER 60000)
      message(FATAL_ERROR "${CMAKE_MATCH_2} is too long for one string literal")
    endif()
    string(APPEND text "const std::string_view ${name} = R\"embed(${content})embed\";\n")
  endif()
endforeach()
file(WRITE "${OUT}" "${text}}  // namespace ${NAMESPACE}\n")
